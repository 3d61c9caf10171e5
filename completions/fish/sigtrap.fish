# fish completion for sigtrap
complete -c sigtrap -l ignore -x -a 'all (siglist --plain 2>/dev/null | cut -f2 | string match -rv ^[0-9])' -d 'ignored by the command'
complete -c sigtrap -l default -x -a 'all (siglist --plain 2>/dev/null | cut -f2 | string match -rv ^[0-9])' -d 'at the default action'
complete -c sigtrap -l block -x -a 'all (siglist --plain 2>/dev/null | cut -f2 | string match -rv ^[0-9])' -d 'blocked when it starts'
complete -c sigtrap -l unblock -x -a 'all (siglist --plain 2>/dev/null | cut -f2 | string match -rv ^[0-9])' -d 'not blocked when it starts'
complete -c sigtrap -l help -d 'print help'
complete -c sigtrap -l version -d 'print the version'
complete -c sigtrap -x -a '(__fish_complete_subcommand)'
