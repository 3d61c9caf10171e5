# What the completions of sigsend, sigtrap, sigtimeout and siglist share. They source it.
#
# What other processes control, their names, is only ever matched, and printed without control
# characters; fish quotes what it inserts.

# __sigkit_option PROGRAM SPEC DESCRIPTION [VALUES]: SPEC is as argparse has it, which also reads the
# words before the cursor with it. What takes a value offers VALUES, or FILES. Options end where the
# command begins.
function __sigkit_option -a program spec description values
    set -a __sigkit_specs_$program $spec
    set -l names (string replace -r '=\??$' '' $spec | string split /)
    set -l options -d $description
    contains $program sigtimeout sigtrap
    and set -a options -n "not __sigkit_operands $program >/dev/null"
    if test "$values" = FILES
        set -a options -rF
        set values ''
    else if string match -q '*=' -- $spec
        set -a options -x
    end
    for name in $names
        if test (string length $name) -gt 1
            complete -c $program $options -l $name -a "$values"
        else if string match -q '*\?' -- $spec # its short form takes none
            complete -c $program $options -s $name
        else
            complete -c $program $options -s $name -a "$values"
        end
    end
end

# The words before the cursor, without the program and without what only sigsend takes for a signal.
function __sigkit_words
    set -l words (commandline -opc)
    string match -rv '^-(\d|[A-Z].)' -- $words[2..]
end

# Prints the operands before the cursor; false where there are none.
function __sigkit_operands -a program
    set -l specs __sigkit_specs_$program
    set -l stop
    contains $program sigtimeout sigtrap; and set stop --stop-nonopt
    argparse $stop $$specs -- (__sigkit_words) 2>/dev/null
    and set -q argv[1]
    and printf '%s\n' $argv
end

# Whether one of the options $argv[2..] of PROGRAM $argv[1] stands before the cursor.
function __sigkit_given -a program
    set -l specs __sigkit_specs_$program
    set -l flags _flag_$argv[2..]
    argparse $$specs -- (__sigkit_words) 2>/dev/null
    or return
    for flag in $flags
        set -q $flag; and return
    end
    return 1
end

# Completes the command, the operand of PROGRAM with this number, as if it stood there alone.
function __sigkit_command -a program first
    set -l operands (__sigkit_operands $program)
    set -l line (string escape -- $operands[$first..]) (commandline -ct | string collect)
    complete -C"$line"
end

# The word at the cursor without an option before the value and without an opening quote.
function __sigkit_value
    commandline -ct | string replace -r -- '^(--[a-z-]+=|-[a-z])' '' | string trim -l -c '"\''
end

# The value up to what the expression $argv[1] matches: fish wants it in each candidate.
function __sigkit_before
    string match -r -- "^.*$argv[1]" (__sigkit_value)
    or echo ''
end

# Signals with $before and $after each, with SIG where that is typed.
function __sigkit_signals -a before after
    set -l names (command -q siglist; and siglist --plain 2>/dev/null |
        string replace -rf '^\d+\t([A-Z][^\t]*)\t[^\t]*' '$1'"$after")
    if not set -q names[1]
        set names (command kill -l 2>/dev/null | string match -ra '\b[A-Z]+\d?(?:[+-]\d+)?' |
            string replace -r '^(SIG)?(.*)' '$2'"$after")
    end
    set -l typed (string replace -- "$before" '' (__sigkit_value))
    string match -qi 'si*' -- $typed; and set before "$before"SIG
    printf '%s\n' "$before"$names
end

# NUM
function __sigkit_numbers
    command -q siglist; and siglist --plain 2>/dev/null | cut -f 1,2
end

# SIGS: more of them after a comma.
function __sigkit_signal_sets
    set -l before (__sigkit_before ,)
    test -n "$before"; or printf 'all\tevery one that can be changed\n'
    __sigkit_signals "$before"
end

# Durations with $after each.
function __sigkit_durations -a after
    set -l value (__sigkit_value)
    set -l units ms s m h d
    string match -qr '[nu]$' -- "$value"; and set units ns us
    if set -l number (string match -r '^.*[\d.](?=[a-z]*$)' -- "$value")
        printf '%s\n' $number$units"$after"
    else if test -z "$value"
        printf '%s\n' {1,5,10,30}{s,m}"$after" {1h,1d}"$after"
    end
end

# Scopes with $before each.
function __sigkit_scopes -a before
    set -l scopes process\t'the one process' group\t'its process group' session\t'its session' \
        tree\t'it and every descendant that can be found' cgroup\t'its cgroup, and its tree'
    string match -qr '(^|/)sigsend$' -- (commandline -opc)[1]
    or set -a scopes namespace\t'a PID namespace of its own' \
        auto\t'cgroup where it can be made, else tree'
    printf '%s\n' "$before"$scopes
end

# DUR:SIG[@SCOPE]
function __sigkit_steps
    set -l signal (__sigkit_before :)
    set -l scope (__sigkit_before ':.*@')
    if test -n "$scope"
        __sigkit_scopes $scope
    else if test -n "$signal"
        __sigkit_signals $signal
    else
        __sigkit_durations :
    end
end

# DUR[:SIG]
function __sigkit_warnings
    set -l before (__sigkit_before :)
    test -n "$before"; and __sigkit_signals $before; or __sigkit_durations
end

# SIGS=ACTION
function __sigkit_traps
    set -l action (__sigkit_before '?=')
    set -l signal (__sigkit_before '?=@send:')
    set -l list (__sigkit_before ,)
    if test -n "$signal"
        __sigkit_signals $signal
    else if test -n "$action"
        printf '%s\n' $action@{forward\t'the signal goes to COMMAND',drop\t'nothing is done'} \
            $action@kill\t'KILL does' $action@send:\t'another signal goes to COMMAND' \
            $action@exit:\t'COMMAND is ended with this status'
    else
        printf '%s\n' $list{EXIT=\t'COMMAND has ended',ERR=\t'it ended other than 0'}
        test -n "$list"; or printf 'all=\tevery one that can be changed\n'
        __sigkit_signals "$list" =
    end
end

# FROM:TO
function __sigkit_rewrites
    set -l before (__sigkit_before :)
    if test -n "$before"
        printf '%s0\tdrop it\n' $before
        __sigkit_signals $before
    else
        __sigkit_signals '' :
    end
end

# PIDs with what they run. A kernel thread has no arguments.
function __sigkit_pids
    LC_ALL=C grep -asm1 . /proc/*/cmdline | tr '\0-\11\13-\37\177' ' ' |
        string replace -rf '^/proc/(\d+)/cmdline:(.{1,60}).*' '$1\t$2'
end

function __sigkit_pid_lists
    printf '%s\n' (__sigkit_before ,)(__sigkit_pids)
end

# PID, tab and the first string in that file of each process, after what $pattern matches; not those
# that have a control character.
function __sigkit_first_strings -a file pattern
    LC_ALL=C grep -azsm1 . /proc/*/$file | tr '\0\1-\37\177' '\n\1' |
        string replace -rf "^/proc/(\d+)/$file:$pattern([^\x01]+)\x01?\$" '$1\t$2'
end

# Names of processes: those of this user, or with $argv[1] of all.
function __sigkit_names -a all
    set -l arguments (__sigkit_first_strings cmdline '(?:[^\x01]*/)?')
    set -l alive (LC_ALL=C grep -las . /proc/*/cmdline | string replace -rf '^/proc/(\d+)/.*' '$1')
    for line in $arguments (__sigkit_first_strings comm '')
        set -l fields (string split -m1 \t -- $line)
        contains $fields[1] $alive
        and test -n "$all" -o -O /proc/$fields[1]
        and string match -rv '^([-@].*|\d+)$' -- $fields[2]
    end
end

function __sigkit_user_lists
    printf '%s\n' (__sigkit_before ,)(__fish_complete_users)
end

function __sigkit_terminals
    printf '%s\n' (__sigkit_before ,)(printf '%s\n' - /dev/pts/* /dev/tty* | string replace /dev/ '' |
        string match -r '^(?:-|(?:pts/|tty)\d+)$')
end

# As /proc/PID/cgroup says them, or the directories themselves.
function __sigkit_cgroups
    set -l root /sys/fs/cgroup
    test -d $root/unified; and set root $root/unified
    set -l value (__sigkit_value)
    if string match -q '/sys*' -- $value
        __fish_complete_directories $value ''
    else
        __fish_complete_directories $root/(string trim -l -c / -- $value) '' | string replace $root ''
    end
end
