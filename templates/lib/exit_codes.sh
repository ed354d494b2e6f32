# Sourced text: what scripts end with besides 0 (done) and 1 (failed). src/script/exit_code.rs has the same names; a test
# compares them.
# shellcheck disable=SC2034 # not every script uses all of them
{
  EXIT_GONE=3       # the server's process, or its log, is not there
  EXIT_STALLED=4    # the server's start makes no progress
  EXIT_PORT_TAKEN=5 # another process has the server's port
  EXIT_ANSWERS=6    # the server answers after all
  EXIT_ELSEWHERE=8  # the server answers on another address
  EXIT_NOT_BEGUN=9  # a server was stopped, and what was to replace it did not begin
  EXIT_HELD=75      # somebody else has the pod's lock (EX_TEMPFAIL)
  EXIT_LOCK_LOST=76 # the pod's lock is not the one under which the script was begun
}
