#!/usr/bin/env bash
#
# Runs Django OAuth Toolkit as a throw-away authorization server on loopback,
# with its default settings. leash.sh says how to call this script.
#
# Django OAuth Toolkit has no setting for the lifetime of the codes: they last
# 1800 seconds at PORT. At SHORT_PORT, app/urls.py overrides oauthlib, so that
# they last 30 seconds.
source "$(dirname "$0")/../leash.sh"
source "$here/../django.sh"

seed
metadata=/o/.well-known/openid-configuration
instance "$port" 2 '' "$metadata"
[ -z "$short_port" ] || instance "$short_port" 1 30 "$metadata"
serve
