# fish completion for sigsend
source (status dirname)/sigkit.fish
set -g __sigkit_specs_sigsend
__sigkit_option sigsend s/signal= 'the signal' '(__sigkit_signals)'
__sigkit_option sigsend n= 'the signal, by number' '(__sigkit_numbers)'
__sigkit_option sigsend 'l/list=?' 'list the names of signals' '(__sigkit_signals)'
__sigkit_option sigsend t 'list numbers, names and descriptions'
__sigkit_option sigsend L/table 'list numbers and names'
__sigkit_option sigsend q/queue= 'send the signal with this value'
__sigkit_option sigsend r/require-handler 'only to processes that catch the signal'
__sigkit_option sigsend d/show-process-state= 'show what the process does with signals' \
    '(__sigkit_pids)'
__sigkit_option sigsend p/pid 'print the PIDs and send nothing'
__sigkit_option sigsend a/all 'names stand for the processes of all users'
__sigkit_option sigsend timeout= 'after so many milliseconds, a further signal'
__sigkit_option sigsend then= 'the next step, DUR:SIG[@SCOPE]' '(__sigkit_steps)'
__sigkit_option sigsend preset= 'the first signal and the steps of another program' \
    'github docker k8s bazel meson ctest help'
__sigkit_option sigsend 'w/wait=?' 'return when all have ended' '(__sigkit_durations)'
__sigkit_option sigsend scope= 'what each process stands for' '(__sigkit_scopes)'
__sigkit_option sigsend tree 'the same as --scope=tree'
__sigkit_option sigsend include-self 'also a scope that contains sigsend or an ancestor'
__sigkit_option sigsend thread 'a target is a thread'
__sigkit_option sigsend locked 'the writer of a pid file must hold a lock on it'
__sigkit_option sigsend name= 'in the name of the process' '(__sigkit_names all)'
__sigkit_option sigsend command= 'in its arguments'
__sigkit_option sigsend x/exact 'the whole of it'
__sigkit_option sigsend user= 'of this effective user' '(__sigkit_user_lists)'
__sigkit_option sigsend parent= 'children of this process' '(__sigkit_pid_lists)'
__sigkit_option sigsend tty= 'on this terminal' '(__sigkit_terminals)'
__sigkit_option sigsend older= 'started at least so long ago' '(__sigkit_durations)'
__sigkit_option sigsend newer= 'started less than so long ago' '(__sigkit_durations)'
__sigkit_option sigsend cgroup= 'in this cgroup or below' '(__sigkit_cgroups)'
__sigkit_option sigsend inverse 'those for which not all hold'
__sigkit_option sigsend oldest 'the one that started first'
__sigkit_option sigsend newest 'the one that started last'
__sigkit_option sigsend count 'print how many there are'
__sigkit_option sigsend dry-run 'say what would be sent to whom'
__sigkit_option sigsend i/interactive 'ask before each'
__sigkit_option sigsend v/verbose 'say what was sent and what came of it'
__sigkit_option sigsend color= 'color tables' 'auto always never'
__sigkit_option sigsend json 'the same for programs'
__sigkit_option sigsend help 'print help'
__sigkit_option sigsend version 'print the version'
# The SIG of --timeout MS SIG.
function __sigkit_after_milliseconds
    set -l words (commandline -opc)
    string match -q -- '--timeout=*' $words[-1]
    or test "$words[-2]" = --timeout
end

# Whether -SIG may come: neither a signal nor a target has.
function __sigkit_no_signal_yet
    not string match -qr '^-(\d|[A-Z].)' -- (commandline -opc)
    and not contains -- -- (commandline -opc)
    and not __sigkit_given sigsend signal n
    and not __sigkit_operands sigsend >/dev/null
end

# Names and PIDs, the PID in a file, or what is to be listed. fish finds what is typed in what is said
# of a PID too, as it is wont to; but not what begins with -.
function __sigkit_targets
    set -l value (__sigkit_value)
    if string match -q -- '-*' $value
        return
    else if __sigkit_given sigsend list t table
        __sigkit_signals
    else if string match -q '@*' -- $value
        printf '%s\n' @(__fish_complete_path (string sub -s 2 -- $value) | string replace -r '\t.*' '')
    else
        __sigkit_given sigsend all; and __sigkit_names all; or __sigkit_names
        __sigkit_pids
    end
end

complete -c sigsend -f
complete -c sigsend -n __sigkit_after_milliseconds -a '(__sigkit_signals)'
complete -c sigsend -n 'not __sigkit_after_milliseconds' -a '(__sigkit_targets)'
complete -c sigsend -n __sigkit_no_signal_yet -a '(__sigkit_signals -)'
