%% SPDX-License-Identifier: Apache-2.0
%% A worker that tells its client when it lives, answers, and fails when it is told to.
-module(bench_fragile).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2]).

init(Client) ->
    Client ! {here, self()},
    {ok, Client}.
handle_call({ping, Number}, _, Client) -> {reply, Number, Client}.
handle_cast(crash, _) -> error(told_to).
