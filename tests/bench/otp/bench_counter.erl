%% SPDX-License-Identifier: Apache-2.0
%% A worker that counts messages and says when it has counted as many as it was told.
-module(bench_counter).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

init(_) -> {ok, {0, 0, none}}.
handle_call(_, _, State) -> {reply, ok, State}.
handle_cast(_, State) -> {noreply, State}.
handle_info({pour, Until, Client}, _) -> {noreply, {0, Until, Client}};
handle_info({count_one, _}, {Number, Until, Client}) when Number + 1 < Until -> {noreply, {Number + 1, Until, Client}};
handle_info({count_one, _}, {Number, Until, Client}) ->
    Client ! counted,
    {noreply, {Number + 1, Until, Client}}.
