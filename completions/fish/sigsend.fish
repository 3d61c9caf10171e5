# fish completion for sigsend
complete -c sigsend -s s -l signal -x -a '(siglist --plain 2>/dev/null | cut -f2 | string match -rv ^[0-9])' -d 'the signal'
complete -c sigsend -s n -x -d 'the signal, by number'
complete -c sigsend -s v -l verbose -d 'say what was sent to whom'
complete -c sigsend -l help -d 'print help'
complete -c sigsend -l version -d 'print the version'
complete -c sigsend -x -a '(__fish_complete_pids)'
