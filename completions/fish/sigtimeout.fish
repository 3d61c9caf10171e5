# fish completion for sigtimeout
source (status dirname)/sigkit.fish
set -g __sigkit_specs_sigtimeout
__sigkit_option sigtimeout f/foreground 'make no process group'
__sigkit_option sigtimeout k/kill-after= 'send KILL this long after the first signal' \
    '(__sigkit_durations)'
__sigkit_option sigtimeout p/preserve-status 'exit with the status of the command'
__sigkit_option sigtimeout s/signal= 'the signal at the limit' '(__sigkit_signals)'
__sigkit_option sigtimeout v/verbose 'say each signal that is sent or received'
__sigkit_option sigtimeout scope= 'what the signals reach' '(__sigkit_scopes)'
__sigkit_option sigtimeout tree 'the same as --scope=tree'
__sigkit_option sigtimeout then= 'the next step, DUR:SIG[@SCOPE]' '(__sigkit_steps)'
__sigkit_option sigtimeout preset= 'the first signal and the steps of another program' \
    'github docker k8s bazel meson ctest help'
__sigkit_option sigtimeout orphans= 'what is done with what the command leaves behind' 'leave wait kill'
__sigkit_option sigtimeout idle= 'a limit on how long nothing is written' '(__sigkit_durations)'
__sigkit_option sigtimeout pty 'give the output of the command a terminal of its own'
__sigkit_option sigtimeout cpu= 'a limit on the processor time' '(__sigkit_durations)'
__sigkit_option sigtimeout until= 'a limit at a time of day, HH:MM[:SS] or RFC 3339'
__sigkit_option sigtimeout timeout-status= 'the exit status in place of 124'
__sigkit_option sigtimeout warn= 'say so this long before the limit, DUR[:SIG]' '(__sigkit_warnings)'
__sigkit_option sigtimeout heartbeat= 'say the time gone and left every so often' '(__sigkit_durations)'
__sigkit_option sigtimeout progress 'show the time gone and left on the terminal'
__sigkit_option sigtimeout on-timeout= 'run this in a shell before the first signal'
__sigkit_option sigtimeout on-timeout-limit= 'how long that may take' '(__sigkit_durations)'
__sigkit_option sigtimeout 'diagnose=?' 'write the processes and what they wait for, at the limit' \
    '(__fish_complete_path (__sigkit_value))'
__sigkit_option sigtimeout report= 'write how it went to a file, as JSON' FILES
__sigkit_option sigtimeout help 'print help'
__sigkit_option sigtimeout version 'print the version'
complete -c sigtimeout -f
complete -c sigtimeout -n 'not __sigkit_operands sigtimeout >/dev/null' -a '(__sigkit_durations)'
complete -c sigtimeout -n '__sigkit_operands sigtimeout >/dev/null' \
    -a '(__sigkit_command sigtimeout 2)'
