#!/bin/sh
# Eight threads of 10,000 steps each, and 100 forks; a twentieth of both if CHECK_LONG is "short".
set -u

if [ "${CHECK_LONG-}" = short ]; then
    steps=500 rounds=5
else
    steps=10000 rounds=100
fi
THREAD_STEPS=${THREAD_STEPS-$steps}
FORK_ROUNDS=${FORK_ROUNDS-$rounds}
export THREAD_STEPS FORK_ROUNDS
./tests/check_threads || exit 1
echo "8 threads of $THREAD_STEPS steps each and twice $FORK_ROUNDS forks: the same bits as without"
