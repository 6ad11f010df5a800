#!/usr/bin/env bash
#
# Runs django-allauth as a throw-away OpenID provider on loopback. leash.sh says
# how to call this script.
#
# The codes last 300 seconds at PORT, which is the default, and 30 seconds at
# SHORT_PORT. With RATE_LIMITS=1 in the environment, django-allauth's default
# rate limits apply: they count by IP address, so that most of a conformance run
# would be refused.
source "$(dirname "$0")/../leash.sh"
source "$here/../django.sh"

seed

metadata=/.well-known/openid-configuration
instance "$port" 2 '' "$metadata"
[ -z "$short_port" ] || instance "$short_port" 1 30 "$metadata"
serve
