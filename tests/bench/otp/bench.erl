%% SPDX-License-Identifier: Apache-2.0
%% One row of the comparison, on Erlang/OTP; ours.cpp is the other side, step by step. Prints one JSON object.
%%
%%   erl -noshell -pa DIR -run bench main ROW COUNT
%%
%% Logger off (-kernel logger_level none): nothing is written or formatted about a crash.
-module(bench).
-behaviour(supervisor).
-export([main/1, init/1, start_fragile/1, start_session/2, session/2, start_counter/0, start_plain_counter/0, start_idler/0, idler/1]).

main([Row, Count]) ->
    process_flag(trap_exit, true),
    row(list_to_atom(Row), list_to_integer(Count)),
    erlang:halt(0).

init({Flags, Specs}) -> {ok, {Flags, Specs}}.

supervise(Flags, Specs) ->
    {ok, Sup} = supervisor:start_link(?MODULE, {Flags, Specs}),
    Sup.

dynamic(Start) ->
    supervise(#{strategy => simple_one_for_one}, [#{id => child, start => Start, restart => temporary, shutdown => 5000}]).

now_us() -> erlang:monotonic_time(nanosecond) / 1000.

%% utime and stime of the whole process, in microseconds
cpu_us() ->
    {ok, Stat} = file:read_file("/proc/self/stat"),
    [_, Rest] = binary:split(Stat, <<") ">>),
    Fields = binary:split(Rest, <<" ">>, [global]),
    (binary_to_integer(lists:nth(12, Fields)) + binary_to_integer(lists:nth(13, Fields))) * 10000.

resident_bytes() ->
    {ok, Text} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = binary:split(Text, <<" ">>, [global]),
    binary_to_integer(Pages) * 4096.

%% --- restart: a worker fails; how soon does its replacement answer? ---

start_fragile(Client) -> gen_server:start_link(bench_fragile, Client, []).

row(restart, Count) ->
    Warm = Count div 10,
    Sup = supervise(#{strategy => one_for_one, intensity => 1000000, period => 1},
                    [#{id => worker, start => {?MODULE, start_fragile, [self()]}}]),
    First = receive {here, Pid} -> Pid end,
    1 = gen_server:call(First, {ping, 1}),
    Took = lists:nthtail(Warm, crashes(First, Count + Warm, [])),
    true = is_process_alive(Sup),
    Sorted = list_to_tuple(lists:sort(Took)),
    say("{\"p50_us\":~.2f,\"p99_us\":~.2f}", [element(1 + Count div 2, Sorted), element(1 + Count * 99 div 100, Sorted)]);

%% --- children: one is started with a request, answers it and ends ---

row(children, Count) ->
    Sup = dynamic({?MODULE, start_session, []}),
    Run = fun(N) ->
        Left = counters:new(1, []),
        counters:put(Left, 1, N),
        Visitors = [spawn_link(fun() -> visitor(Sup, Left) end) || _ <- lists:seq(1, 64)],
        [receive {'EXIT', Visitor, normal} -> ok end || Visitor <- Visitors],
        none_left(Sup)
    end,
    Run(Count div 10),
    Cpu = cpu_us(),
    Begun = now_us(),
    Run(Count),
    Took = now_us() - Begun,
    say("{\"per_second\":~.1f,\"cpu_us\":~.3f}", [Count / Took * 1.0e6, (cpu_us() - Cpu) / Count]);

%% --- messages: one sender, one receiver ---

row(messages, Count) -> messages(Count, start_plain_counter, fun erlang:whereis/1);
row(messages_by_name, Count) -> messages(Count, start_plain_counter, fun(Name) -> Name end);
row(messages_gen_server, Count) -> messages(Count, start_counter, fun erlang:whereis/1);

%% --- idle: what a child costs that waits; and stop: how soon many have ended ---

row(idle, Count) ->
    Sup = dynamic({?MODULE, start_idler, []}),
    erlang:garbage_collect(),
    Before = resident_bytes(),
    crowd(Sup, Count),
    say("{\"bytes\":~.1f}", [(resident_bytes() - Before) / Count]);

row(stop, Count) ->
    Top = supervise(#{strategy => one_for_one}, []),
    Round = fun() ->
        Spec = #{id => idlers, type => supervisor, shutdown => infinity,
                 start => {supervisor, start_link, [?MODULE, {#{strategy => simple_one_for_one},
                   [#{id => child, start => {?MODULE, start_idler, []}, restart => temporary, shutdown => 5000}]}]}},
        {ok, Sup} = supervisor:start_child(Top, Spec),
        crowd(Sup, Count),
        Begun = now_us(),
        ok = supervisor:terminate_child(Top, idlers),
        Took = now_us() - Begun,
        ok = supervisor:delete_child(Top, idlers),
        Took
    end,
    Round(),
    say("{\"ms\":~.2f}", [Round() / 1000]).

crashes(_, 0, Took) -> lists:reverse(Took);
crashes(Worker, Left, Took) ->
    Begun = now_us(),
    gen_server:cast(Worker, crash),
    receive
        {here, Next} ->
            1 = gen_server:call(Next, {ping, 1}, infinity),
            crashes(Next, Left - 1, [now_us() - Begun | Took])
    end.

%% proc_lib, which OTP asks for, without the two messages of start_link's handshake.
start_session(Client, Number) -> {ok, proc_lib:spawn_link(?MODULE, session, [Client, Number])}.
session(Client, Number) -> Client ! {done, Number}.

visitor(Sup, Left) ->
    counters:sub(Left, 1, 1),
    case counters:get(Left, 1) of
        Number when Number >= 0 ->
            {ok, _} = supervisor:start_child(Sup, [self(), Number]),
            receive {done, Number} -> visitor(Sup, Left) end;
        _ -> ok
    end.

none_left(Sup) ->
    case proplists:get_value(active, supervisor:count_children(Sup)) of
        0 -> ok;
        _ -> erlang:yield(), none_left(Sup)
    end.

start_counter() -> gen_server:start_link({local, counter}, bench_counter, none, []).

%% The least that a process can do: no behaviour, a bare receive.
start_plain_counter() ->
    Pid = proc_lib:spawn_link(fun() -> receive {pour, Until, Client} -> plain_counter(0, Until, Client) end end),
    register(counter, Pid),
    {ok, Pid}.
plain_counter(Until, Until, Client) ->
    Client ! counted,
    receive {pour, Next, To} -> plain_counter(0, Next, To) end;
plain_counter(Number, Until, Client) -> receive {count_one, _} -> plain_counter(Number + 1, Until, Client) end.

messages(Count, Start, Handle) ->
    supervise(#{strategy => one_for_one}, [#{id => counter, start => {?MODULE, Start, []}}]),
    To = Handle(counter),
    Run = fun(N) ->
        counter ! {pour, N, self()},
        Begun = now_us(),
        spawn_link(fun() -> send(To, N) end),
        receive counted -> now_us() - Begun end
    end,
    Run(Count div 10),
    say("{\"per_second\":~.1f}", [Count / Run(Count) * 1.0e6]).

send(_, 0) -> ok;
send(To, N) -> To ! {count_one, N}, send(To, N - 1).

start_idler() -> {ok, proc_lib:spawn_link(?MODULE, idler, [self()])}.
idler(Parent) -> receive {ping, From, Number} -> From ! Number, idler(Parent) end.

crowd(_, 0) -> ok;
crowd(Sup, N) -> {ok, _} = supervisor:start_child(Sup, []), crowd(Sup, N - 1).

say(Format, Values) -> io:format(Format ++ "~n", [V * 1.0 || V <- Values]).
