# Answers each line that check.sh writes with what fish offers for it and a NUL.
while read -l line; and test "$line" != end
    begin
        complete -C"$line" 2>>$SIGKIT_NOISE | tee -a $SIGKIT_LOG | string replace -r '\t.*' ''
        printf '\0'
    end >$SIGKIT_REPLIES
end
printf '\0' >$SIGKIT_REPLIES
