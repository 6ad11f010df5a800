# shellcheck shell=bash
#
# What the install scripts of the larger servers have in common; they source it.
# setup.sh calls one as `install.sh FOLDER` with an empty folder, in the server's
# own, and makes sure that only one runs. The log is FOLDER/install.log; on
# failure its last lines go to standard error.
#
# After sourcing: $source (the server's folder), fail, step; the working folder
# is FOLDER.
set -euo pipefail

source=$PWD
fail() {
    echo "$(basename "$source"): $*" >&2
    exit 1
}
[ $# -eq 1 ] || fail 'usage: install.sh FOLDER'
cd "$1"
log=$PWD/install.log

# step WHAT COMMAND...: runs a command that writes to the log only.
step() {
    local what=$1
    shift
    "$@" >>"$log" 2>&1 </dev/null || {
        tail -n 20 "$log" >&2
        fail "$what failed"
    }
}

# need PROGRAM...: ends the script where one is missing.
need() {
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || fail "$program is not installed"
    done
}
