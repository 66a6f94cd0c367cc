#!/usr/bin/env perl
# A fence in Perl, core modules only: SHA-256 of the whole transcript, taken just before the lock is released, over flock.
# It serves one lane and implements the protocol (docs/external-fence.md) by hand, in one loop.
#
#     python -m harness run scenarios/quickstart.yaml --fence exec:'perl examples/perl/digest.pl'

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Fcntl qw(:flock O_RDWR O_CREAT O_RDONLY O_WRONLY O_APPEND O_TRUNC);
use JSON::PP;
use MIME::Base64;

my $json = JSON::PP->new->utf8->canonical;
my ($transcript, $lock, $known, $taken);

sub read_all {
    sysopen(my $file, $transcript, O_RDONLY) or return '';
    my $all = '';
    while (1) {
        my $got = sysread($file, $all, 65536, length $all) // die "read: $!\n";
        last if !$got;
    }
    close $file;
    return $all;
}

sub write_all {
    my ($path, $mode, $data) = @_;
    sysopen(my $file, $path, $mode | O_CREAT, 0600) or die "open: $!\n";
    my $at = 0;
    $at += syswrite($file, $data, length($data) - $at, $at) // die "write: $!\n" while $at < length $data;
    close $file;
}

sub take {
    sysopen($lock, "$transcript.flock", O_RDWR | O_CREAT, 0600) or die "lock: $!\n";
    flock($lock, LOCK_EX) or die "flock: $!\n";
}

sub let_go {
    return 0 if !$lock;
    close $lock;
    undef $lock;
    return 1;
}

# Returns the lines of a request as bytes, joined.
sub lines_of {
    my ($request, $key) = @_;
    my $coded = $request->{"${key}_base64"};
    return join '', map { decode_base64($_) } @$coded if $coded;
    return join '', map { my $line = $_; utf8::encode($line); $line } @{ $request->{$key} };
}

sub loaded {
    my $bytes = read_all();
    my $text = $bytes;
    return { answer => 'ok', text => $text } if utf8::decode($text);
    return { answer => 'ok', base64 => encode_base64($bytes, '') };
}

sub guarded_write {
    my ($request) = @_;
    return { answer => 'takeover', check => 'reported before' } if $taken;
    take();
    if (defined $known && sha256_hex(read_all()) ne $known) {
        $taken = 1;
        let_go();
        return { answer => 'takeover', check => 'other bytes' };
    }
    write_all($transcript, O_WRONLY | O_APPEND, lines_of($request, 'entries'));
    $known = sha256_hex(read_all());
    let_go();
    return { answer => 'ok' };
}

my %operations = (
    hello => sub {
        return { answer => 'ok', protocol => 1, name => 'sha256 of the whole transcript, in Perl',
            lock => 'flock', serves => 'lane', operations => ['rewrite'], sound_under => [] };
    },
    begin_schedule => sub {
        let_go();
        ($transcript, $known, $taken) = ($_[0]{transcript}, undef, 0);
        return { answer => 'ok' };
    },
    begin_turn => sub { ($known, $taken) = (undef, 0); take(); return { answer => 'ok' } },
    load => \&loaded,
    append => sub {
        write_all($transcript, O_WRONLY | O_APPEND, lines_of($_[0], 'entries'));
        return { answer => 'ok' };
    },
    release_for_prompt => sub { $known = sha256_hex(read_all()); let_go(); return { answer => 'ok' } },
    guarded_write => \&guarded_write,
    end_turn => sub { let_go(); return { answer => 'ok' } },
    acquire => sub { take(); return { answer => 'ok' } },
    release => sub {
        return { answer => 'ok' } if let_go();
        return { answer => 'stale_lock', message => 'released, but not held' };
    },
    rewrite => sub {
        my $data = lines_of($_[0], 'lines');
        if ($_[0]{how} eq 'rename') {
            write_all("$transcript.rewrite.tmp", O_WRONLY | O_TRUNC, $data);
            rename("$transcript.rewrite.tmp", $transcript) or die "rename: $!\n";
        } else {
            write_all($transcript, O_WRONLY | O_TRUNC, $data);
        }
        return { answer => 'ok' };
    },
);

$| = 1;
while (my $line = <STDIN>) {
    my $request = eval { $json->decode($line) };
    die "no request: $line" if ref $request ne 'HASH' || !exists $request->{id};
    my $operation = $operations{ $request->{do} } // sub { return { answer => 'unsupported' } };
    my $answer = eval { $operation->($request) };
    if (!$answer) {
        chomp(my $why = $@);
        my ($code) = grep { $!{$_} } qw(ENOSPC EIO EDQUOT EINTR);
        $answer = { answer => 'error', message => $why };
        $answer->{code} = $code if $code;
    }
    print $json->encode({ id => $request->{id}, %$answer }), "\n";
}
