#!/usr/bin/env bash
# PStore of Ruby 3.1.2 (pstore 0.1.1; seen alike with the code of pstore 0.2.1).
#
# Guess:  ultra_safe makes a store safer: "the best to prevent file corruptions". Two processes that each add 1 in a transaction
#         end at 2, with it as without it.
# Seen:   with it they end at 1. A transaction opens the file and waits for an flock on it. With ultra_safe the one before it
#         writes another file and renames that over the path. The waiting one then gets its flock on the old file, which has no
#         name any more. It reads the old table from there, changes it, and renames the result over the path, too. The
#         transaction in between is gone, and neither process is told of an error. Without ultra_safe the file is written in place,
#         and both are kept. YAML::Store is a PStore.
# Matters to: programs that share a PStore or a YAML::Store, and switched ultra_safe on to lose nothing.
#
# Output seen:
#   pstore 0.1.1: two processes add 1 each: 2; with ultra_safe: 1
#
# Needs no root, but a Ruby with its standard library, and Linux. Takes no package. Exit status 0 if this is still so, 1 if it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >add.rb <<'RUBY'
require "pstore"

def store(ultra_safe)
  PStore.new("store").tap { |opened| opened.ultra_safe = ultra_safe }
end

# Whether a process waits for an flock on this file.
def awaited?(inode)
  File.foreach("/proc/locks").any? { |line| line.match?(/-> FLOCK .*:#{inode} /) }
end

def count(ultra_safe)
  store(ultra_safe).transaction { |table| table[:count] = 0 }
  inode = File.stat("store").ino
  begun, says_begun = IO.pipe
  first = fork do
    store(ultra_safe).transaction do |table|
      says_begun.write("x")
      says_begun.close
      sleep 0.01 until awaited?(inode)
      table[:count] += 1
    end
  end
  begun.read(1)
  second = fork { store(ultra_safe).transaction { |table| table[:count] += 1 } }
  ended = [first, second].all? { |process| Process.wait2(process).last.success? }
  raise "a transaction has failed" unless ended

  store(ultra_safe).transaction(true) { |table| table[:count] }
end

plain = count(false)
safe = count(true)
puts "pstore #{PStore::VERSION}: two processes add 1 each: #{plain}; with ultra_safe: #{safe}"
exit(plain == 2 && safe == 1)
RUBY
timeout 60 ruby add.rb
