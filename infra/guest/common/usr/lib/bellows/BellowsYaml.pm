package BellowsYaml;
# The part of YAML 1.2 that NoCloud seeds are written in: block and flow mappings and sequences, plain and quoted
# scalars, literal and folded blocks, comments. JSON is within it. Anchors, aliases, tags, several documents and
# multi-line keys are refused, as are duplicate keys, tabs for indentation and more than 16 levels.
# parse($text) returns hash and array references and strings (undef for null); it dies with a line number.
use strict;
use warnings;

my $MAX_DEPTH = 16;
my $KEY = qr/("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[A-Za-z0-9_.\/\$][^:#\s]*(?::[^:#\s]+)*(?: [^:#\s]+)*)\s*:(?=\s|$)\s*/;

sub parse {
    my ($text) = @_;
    die "too long\n" if length $text > 1_048_576;
    die "a NUL byte\n" if $text =~ /\0/;
    $text =~ s/\A\xEF\xBB\xBF//;
    my $self = bless { rows => [split /\r?\n/, $text], at => 0 }, __PACKAGE__;
    my ($indent, $content) = $self->peek;
    return undef unless defined $indent;
    if ($content =~ /^---(?:\s+#.*)?$/) { $self->{at}++; ($indent, $content) = $self->peek; }
    return undef unless defined $indent;
    my $value = $self->block($indent, 0);
    ($indent, $content) = $self->peek;
    $self->fail('unexpected text') if defined $indent && $content !~ /^\.\.\.$/;
    return $value;
}

sub fail { my ($self, $why) = @_; die "line " . ($self->{at} + 1) . ": $why\n" }

# The next row with something in it: (indent, text without the indent).
sub peek {
    my ($self) = @_;
    my $rows = $self->{rows};
    while ($self->{at} < @$rows) {
        my $row = $rows->[$self->{at}];
        if ($row =~ /^\s*(?:#.*)?$/) { $self->{at}++; next }
        $row =~ /^( *)(.*?)\s*$/s;
        $self->fail('a tab in the indentation') if substr($2, 0, 1) eq "\t";
        return (length $1, $2);
    }
    return;
}

sub block {
    my ($self, $least, $depth) = @_;
    $self->fail('nested too deeply') if $depth > $MAX_DEPTH;
    my ($indent, $content) = $self->peek;
    return undef if !defined $indent || $indent < $least;
    return $self->sequence($indent, $depth) if $content =~ /^-(?:\s|$)/;
    return $self->mapping($indent, $depth) if $content =~ /^$KEY/;
    $self->{at}++;
    return $self->scalar($content, $least - 1, $depth);
}

sub sequence {
    my ($self, $indent, $depth) = @_;
    my @items;
    while (1) {
        my ($here, $content) = $self->peek;
        last unless defined $here && $here == $indent && $content =~ /^-(\s+(.*)|)$/s;
        my ($gap, $rest) = (length($1) - length($2 // ''), $2 // '');
        if ($rest eq '' || $rest =~ /^#/) {
            $self->{at}++;
            push @items, $self->block($indent + 1, $depth + 1);
        } elsif ($rest =~ /^(?:-(?:\s|$)|$KEY)/) {
            # "- key: value" opens a block whose indent is where the key stands
            $self->{rows}[$self->{at}] = (' ' x ($indent + 1 + $gap)) . $rest;
            push @items, $self->block($indent + 1, $depth + 1);
        } else {
            $self->{at}++;
            push @items, $self->scalar($rest, $indent, $depth);
        }
    }
    return \@items;
}

sub mapping {
    my ($self, $indent, $depth) = @_;
    my %map;
    while (1) {
        my ($here, $content) = $self->peek;
        last unless defined $here && $here == $indent && $content =~ s/^$KEY//;
        my $key = $1;
        $key = $self->flow(\$key, $depth) if $key =~ /^["']/;
        $self->fail("key $key twice") if exists $map{$key};
        $self->{at}++;
        if ($content eq '' || $content =~ /^#/) {
            my ($next, $text) = $self->peek;
            my $dash = defined $next && $next == $indent && $text =~ /^-(?:\s|$)/;
            $map{$key} = $dash ? $self->sequence($indent, $depth + 1) : $self->block($indent + 1, $depth + 1);
        } else {
            $map{$key} = $self->scalar($content, $indent, $depth);
        }
    }
    return \%map;
}

# A value that begins on the row just passed, inside a collection of indent $parent.
sub scalar {
    my ($self, $text, $parent, $depth) = @_;
    return $self->literal($text, $parent) if $text =~ /^[|>]/;
    if ($text =~ /^["'\[{]/) {
        my $rows = $self->{rows};
        for (0 .. 1000) {
            my $rest = $text;
            my $value = eval { $self->flow(\$rest, $depth) };
            if (!$@) {
                $self->fail('text after a value') if $rest !~ /^\s*(?:#.*)?$/;
                return $value;
            }
            die $@ if $@ !~ /incomplete/ || $self->{at} >= @$rows;
            my $more = $rows->[$self->{at}++];
            $more =~ s/^\s+|\s+$//g;
            $text .= $text =~ /^["']/ && $more eq '' ? "\n" : " $more";
        }
        $self->fail('a value that never ends');
    }
    $self->fail('anchors, aliases and tags are not read') if $text =~ /^[&*!%\@`]/;
    $text =~ s/\s+#.*$//;
    while (1) {
        my ($here, $more) = $self->peek;
        last unless defined $here && $here > $parent && $parent >= 0 && $more !~ /^$KEY/;
        $more =~ s/\s+#.*$//;
        $text .= " $more";
        $self->{at}++;
    }
    return $text =~ /^(?:~|null|Null|NULL)$/ ? undef : $text;
}

sub literal {
    my ($self, $head, $parent) = @_;
    $head =~ /^([|>])([-+]?)([1-9]?)([-+]?)\s*(?:#.*)?$/ or $self->fail('a block header');
    my ($style, $keep, $indent) = ($1, $2 || $4, $3 ? $parent + $3 : undef);
    my @lines;
    while ($self->{at} < @{ $self->{rows} }) {
        my $row = $self->{rows}[$self->{at}];
        if ($row =~ /^ *$/) { push @lines, ''; $self->{at}++; next }
        $row =~ /^( *)/;
        $indent //= length $1;
        last if length $1 < $indent || $indent <= $parent;
        push @lines, substr $row, $indent;
        $self->{at}++;
    }
    my $blank = 0;
    while (@lines && $lines[-1] eq '') { pop @lines; $blank++ }
    return $keep eq '+' ? "\n" x $blank : '' unless @lines;
    my $text = join "\n", @lines;
    if ($style eq '>') { $text =~ s/(?<=[^\n ])\n(?=[^\n ])/ /g; $text =~ s/\n(\n+)(?=[^ ])/$1/g }
    return $text . ($keep eq '-' ? '' : $keep eq '+' ? "\n" x ($blank + 1) : "\n");
}

my %ESCAPE = (n => "\n", t => "\t", r => "\r", 0 => "\0", '"' => '"', '\\' => '\\', '/' => '/', b => "\b", f => "\f",
    e => "\e", ' ' => ' ', a => "\a");

sub unescape {
    my ($body) = @_;
    $body =~ s{\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))}{
        if (defined $3) { $ESCAPE{$3} // die "unknown escape\n" }
        else { my $char = chr hex($1 // $2); utf8::encode($char); $char }
    }gse;
    return $body;
}

# Takes one flow value off the front of $$rest.
sub flow {
    my ($self, $rest, $depth) = @_;
    $self->fail('nested too deeply') if $depth > $MAX_DEPTH;
    $$rest =~ s/^\s+//;
    die "incomplete\n" if $$rest eq '';
    if ($$rest =~ s/^"((?:[^"\\]|\\.)*)"//s) { return unescape($1) }
    if ($$rest =~ s/^'((?:[^']|'')*)'//s) { my $body = $1; $body =~ s/''/'/g; return $body }
    die "incomplete\n" if $$rest =~ /^["']/;
    return $self->flow_list($rest, $depth) if $$rest =~ s/^\[//;
    return $self->flow_map($rest, $depth) if $$rest =~ s/^\{//;
    $$rest =~ s/^((?:[^,\[\]{}#:\s]|:(?=[^\s,\[\]{}])|(?<=\S)#|[ \t]+(?=[^\s#,\[\]{}]))+)// or $self->fail('a value');
    my $plain = $1;
    $self->fail('anchors, aliases and tags are not read') if $plain =~ /^[&*!%\@`|>]/;
    return $plain =~ /^(?:~|null)$/ ? undef : $plain;
}

sub flow_list {
    my ($self, $rest, $depth) = @_;
    my @items;
    while (1) {
        $$rest =~ s/^\s+//;
        die "incomplete\n" if $$rest eq '';
        return \@items if $$rest =~ s/^\]//;
        push @items, $self->flow($rest, $depth + 1);
        next if $$rest =~ s/^\s*,//;
        die "incomplete\n" if $$rest =~ /^\s*$/;
        $self->fail('a list') unless $$rest =~ /^\s*\]/;
    }
}

sub flow_map {
    my ($self, $rest, $depth) = @_;
    my %map;
    while (1) {
        $$rest =~ s/^\s+//;
        die "incomplete\n" if $$rest eq '';
        return \%map if $$rest =~ s/^\}//;
        my $key = $self->flow($rest, $depth + 1);
        $self->fail('a key') if ref $key || !defined $key;
        die "incomplete\n" if $$rest =~ /^\s*$/;
        $self->fail("key $key twice") if exists $map{$key};
        $$rest =~ s/^\s*:// or $self->fail('a colon is missing');
        $map{$key} = $self->flow($rest, $depth + 1);
        next if $$rest =~ s/^\s*,//;
        die "incomplete\n" if $$rest =~ /^\s*$/;
        $self->fail('a mapping') unless $$rest =~ /^\s*\}/;
    }
}

1;
