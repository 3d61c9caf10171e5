# fish completion for siglist
complete -c siglist -l describe -d 'print the row of the table'
complete -c siglist -l plain -d 'separate by tabs'
complete -c siglist -l help -d 'print help'
complete -c siglist -l version -d 'print the version'
complete -c siglist -x -a '(siglist --plain 2>/dev/null | cut -f2 | string match -rv ^[0-9])'
