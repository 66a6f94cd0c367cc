#!/usr/bin/env bash
# LockFile::Simple 0.208 and File::Pid 1.01 (Perl 5.36, Debian 12), pidlockfile 1.1.1 (npm, Node 20.20.2), with dotlockfile 1.17 beside.
#
# Guess:  a lock that names a process is broken only when that process is dead, as the manuals say.
# Seen:   it is also broken when the process lives and belongs to another user. All three send signal 0 to it and take each failure
#         for "no such process"; the kernel answers "not permitted" (EPERM) for the process of another user, which says that it
#         lives. LockFile::Simple with -stale and pidlockfile remove the lock and make their own, so both hold it; File::Pid says that
#         the process does not run. A process of root sees the others alive, so it goes wrong in one direction only.
#         dotlockfile -p looks at the error and refuses.
# Matters to: a service and a user's command line, or two services with accounts of their own, that share a folder of sessions.
#
# Output seen:
#   LockFile::Simple 0.208: held by a living process of another user: it has the lock, too; of its own user: refused
#   File::Pid 1.01: held by a living process of another user: does not run; of its own user: runs
#   pidlockfile 1.1.1: held by a living process of another user: it has the lock, too; of its own user: refused
#   dotlockfile: held by a living process of another user: refused; of its own user: refused
#
# Needs root, to act as two users, the package index of Debian 12 and npm with its registry. Exit status 0 if this is still so, 1 if it
# has changed.
set -euo pipefail

folder=$(mktemp -d)
holders=()
trap 'kill "${holders[@]}" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
apt-get download --quiet liblockfile-simple-perl=0.208-1.1 libfile-pid-perl=1.01-3 libclass-accessor-perl=0.51-2 \
    liblockfile-bin=1.17-1+b1 liblockfile1=1.17-1+b1 >/dev/null 2>&1
for package in ./*.deb; do dpkg-deb --extract "$package" packages; done
npm install --silent --no-audit --no-fund --ignore-scripts --omit=dev pidlockfile@1.1.1 >install.log 2>&1
mkdir locks
chmod 755 .
chmod 777 locks # two users share it
export PERL5LIB="$folder/packages/usr/share/perl5" LD_LIBRARY_PATH="$folder/packages/usr/lib/x86_64-linux-gnu"

as() { setpriv --reuid="$1" --regid="$1" --clear-groups "${@:2}"; }

# Each prints what user 4321 is told about a lock whose holder is process $1.
lockfile_simple() {
    echo "$1" >locks/simple.lock
    as 4321 perl -MLockFile::Simple -e '
        my $manager = LockFile::Simple->make(-stale => 1, -max => 1, -autoclean => 0, -wfunc => undef, -efunc => undef);
        print $manager->trylock("locks/simple") ? "it has the lock, too" : "refused"'
}
file_pid() {
    printf %s "$1" >locks/pid
    as 4321 perl -MFile::Pid -e 'print File::Pid->new({ file => "locks/pid" })->running ? "runs" : "does not run"'
}
pidlockfile() {
    printf %s "$1" >locks/node
    as 4321 node -e 'require("pidlockfile").lock("locks/node", (error) => console.log(error ? "refused" : "it has the lock, too"))'
}
dotlockfile() {
    echo "$1" >locks/dot
    if as 4321 packages/usr/bin/dotlockfile -l -p -r 0 locks/dot; then echo "it has the lock, too"; else echo refused; fi
}

for user in 1234 4321; do
    setpriv --reuid="$user" --regid="$user" --clear-groups sleep 600 &
    holders+=($!)
    until [ "$(cat "/proc/$!/comm")" = sleep ]; do sleep 0.1; done
done
status=0
told() {
    local other own
    other=$("$2" "${holders[0]}")
    own=$("$2" "${holders[1]}")
    echo "$1: held by a living process of another user: $other; of its own user: $own"
    [ "$other; $own" = "$3" ] || status=1
}
told "LockFile::Simple 0.208" lockfile_simple "it has the lock, too; refused"
told "File::Pid 1.01" file_pid "does not run; runs"
told "pidlockfile 1.1.1" pidlockfile "it has the lock, too; refused"
told dotlockfile dotlockfile "refused; refused"
exit "$status"
