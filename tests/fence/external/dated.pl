# An adapter without a lock that writes each line with dates and random numbers: for tests of what an adapter reads.

use strict;
use warnings;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Time::HiRes;

$| = 1;
my $json = JSON::PP->new->canonical;
my $path;

sub first_of {
    my ($file, $size) = @_;
    open(my $in, '<:raw', $file) or die "$file: $!";
    sysread($in, my $data, $size);
    return $data;
}

sub load {
    open(my $in, '<:raw', $path) or return {base64 => ''};
    local $/;
    return {base64 => encode_base64(<$in> // '', '')};
}

sub append {
    my ($request) = @_;
    open(my $out, '>>', $path) or die "$path: $!";
    for my $entry (@{$request->{entries}}) {
        my $drawn = unpack('H*', first_of('/dev/urandom', 6));
        my $stamp = [time, Time::HiRes::time(), scalar(localtime), $drawn, first_of('/proc/sys/kernel/random/uuid', 36)];
        print $out $json->encode({%{$json->decode($entry)}, x => $stamp}), "\n";
    }
    close($out);
    return {};
}

my %handlers = (
    hello => sub { {protocol => 1, name => 'dated', lock => 'none', serves => 'lane'} },
    begin_schedule => sub { $path = $_[0]{transcript}; {} },
    load => \&load,
    append => \&append,
    guarded_write => \&append,
);
while (my $line = <STDIN>) {
    my $request = $json->decode($line);
    my $handler = $handlers{$request->{do}} // sub { {} };
    print $json->encode({id => $request->{id}, answer => 'ok', %{$handler->($request)}}), "\n";
}
