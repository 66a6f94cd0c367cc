#!/usr/bin/env bash
# LuaFileSystem 1.8.0 (lua-filesystem 1.8.0-3 of Debian 12, with Lua 5.4.4; the code of 1.9.0 is the same here).
#
# Guess:  lfs.lock_dir(path, seconds_stale) takes over a lock that is older than these seconds, as its manual says, and a lock stays
#         until lock:free().
# Seen:   neither, on Unix. The second argument is not looked at: the lock of a process that died two hours ago is refused with
#         "File exists" for any age. The file is a symbolic link that names no process, so nothing else tells that it is dead,
#         either. And a lock whose object the program does not keep is freed by the garbage collector: the next process gets it
#         while the first one is still at work.
# Matters to: Lua services that lock a folder for a session or a job: after a crash no process gets the lock any more; and a plain
#         "assert(lfs.lock_dir(path))" holds it for as long as no collection happens to run.
#
# Output seen:
#   LuaFileSystem 1.8.0: of a dead process, 2 hours old, stale after 60 s: File exists; held and not kept: locked, after a collection free
#
# Needs no root. Takes the package index of Debian 12. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download --quiet lua-filesystem=1.8.0-3 lua5.4=5.4.4-3+deb12u1 liblua5.4-0=5.4.4-3+deb12u1 >/dev/null 2>&1
for package in ./*.deb; do dpkg-deb --extract "$package" packages; done
export LD_LIBRARY_PATH="$folder/packages/usr/lib/x86_64-linux-gnu" LUA_CPATH="$folder/packages/usr/lib/x86_64-linux-gnu/lua/5.4/?.so"
mkdir dead live

cat >lock.lua <<'LUA'
local lfs = require("lfs")
local folder, age = arg[1], tonumber(arg[2])

-- Has the lock, and does not keep its object.
if arg[3] then
  assert(lfs.lock_dir(folder))
  local command = table.concat({ arg[-1], arg[0], folder }, " ")
  os.execute(command)
  collectgarbage()
  os.execute(command)
  os.exit(true)
end
local lock, why = lfs.lock_dir(folder, age)
print(lock and "free" or why)
os.exit(true) -- without closing the state, as a process that is killed
LUA

lua=packages/usr/bin/lua5.4
"$lua" lock.lua dead >first
touch --no-dereference --date "2 hours ago" dead/lockfile.lfs
stale=$("$lua" lock.lua dead 60)
mapfile -t unkept < <("$lua" lock.lua live 60 holds)
[ "${unkept[0]}" = "File exists" ] && unkept[0]=locked
version=$("$lua" -e 'print(require("lfs")._VERSION)')
echo "$version: of a dead process, 2 hours old, stale after 60 s: $stale; held and not kept: ${unkept[0]}, after a collection ${unkept[1]}"
[ "$(cat first)" = free ] && [ "$stale" = "File exists" ] && [ "${unkept[*]}" = "locked free" ]
