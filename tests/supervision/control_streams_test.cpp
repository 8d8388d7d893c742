// SPDX-License-Identifier: Apache-2.0
// Questions whose answer comes in parts: sub, trace, chaos.
#include "control_fixture.hpp"

#include "supervision/control_chaos.hpp"
#include "supervision/trace.hpp"

#include <map>

namespace {

class control_streams_test : public control_test {
protected:
  /// The next event of this kind, passing over others; an empty object at the end of the connection.
  static json::object next_event(client& c, const std::string& kind) {
    for (;;) {
      const auto line = c.line();
      if (line.empty())
        return {};
      auto o = json::parse(line).as_object();
      if (o.contains("ev") && o.at("ev").as_string() == kind)
        return o;
    }
  }
  /// Everything up to the answer, which is the last.
  static std::vector<json::object> until_answer(client& c) {
    std::vector<json::object> all;
    for (;;) {
      const auto line = c.line();
      if (line.empty())
        return all;
      all.push_back(json::parse(line).as_object());
      if (!all.back().contains("ev"))
        return all;
    }
  }
};

TEST_F(control_streams_test, a_subscription_hears_of_a_crash_from_exit_to_report) {
  serve();
  client c(path);
  EXPECT_EQ(
      c.ask(R"({"id":1,"cmd":"sub","topics":["exit","restart","report"]})").at("ok").at("topics").as_array().size(),
      3U);
  crash("web", "a broken invariant");
  const auto exit = next_event(c, "exit");
  EXPECT_EQ(exit.at("path").as_string(), "web");
  EXPECT_EQ(exit.at("gen").as_int64(), 1);
  EXPECT_NE(exit.at("reason").as_string().find("a broken invariant"), json::string::npos);
  const auto restart = next_event(c, "restart");
  EXPECT_EQ(restart.at("path").as_string(), "web");
  EXPECT_EQ(restart.at("gen").as_int64(), 2);
  const auto report = next_event(c, "report");
  EXPECT_EQ(report.at("kind").as_string(), "crash");
  EXPECT_EQ(code_of(c.ask(R"({"id":2,"cmd":"count"})")), "ok") << "the same connection still answers";
}

TEST_F(control_streams_test, a_subscription_hears_only_its_topics) {
  serve();
  client c(path);
  ASSERT_EQ(code_of(c.ask(R"({"cmd":"sub","topics":["restart"]})")), "ok");
  ASSERT_TRUE(tree->operate(operation::kill, "web").ok);
  ASSERT_TRUE(tree->operate(operation::kill, "cache/page_cache").ok);
  auto line = json::parse(c.line()).as_object();
  EXPECT_EQ(line.at("ev").as_string(), "restart");
  EXPECT_EQ(line.at("path").as_string(), "web");
  line = json::parse(c.line()).as_object();
  EXPECT_EQ(line.at("path").as_string(), "cache/page_cache");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"sub","topics":["weather"]})")), "usage");
  client all(path);
  EXPECT_EQ(all.ask(R"({"cmd":"sub"})").at("ok").at("topics").as_array().size(), 4U);
  ASSERT_TRUE(tree->operate(operation::stop, "web").ok);
  EXPECT_EQ(next_event(all, "state").at("path").as_string(), "web");
}

TEST_F(control_streams_test, a_slow_reader_is_told_what_it_missed_and_cut_in_the_end) {
  serve();
  client slow(path);
  ASSERT_EQ(code_of(slow.ask(R"({"cmd":"sub","topics":["state"]})")), "ok");
  std::atomic<bool> over = false;
  std::thread busy([&] { // each suspension and start is an event or two
    while (!over)
      for (const auto* one : {"web", "cache/page_cache"})
        (void)tree->operate(operation::kill, one);
  });
  EXPECT_TRUE(eventually([&] { return said_in_log("does not read: cut") > 0; }, 60s));
  over = true;
  busy.join();
  std::size_t bytes = 0;
  for (auto line = slow.line(); !line.empty(); line = slow.line())
    bytes += line.size();
  EXPECT_LT(bytes, 4U * 1024 * 1024) << "what was kept for it was bounded";
  client other(path);
  EXPECT_EQ(code_of(other.ask(R"({"cmd":"health"})")), "ok");
}

TEST_F(control_streams_test, a_trace_shows_messages_exits_and_restarts_while_it_lasts) {
  serve();
  client c(path);
  c.send("{\"id\":9,\"cmd\":\"trace\",\"path\":\"web\",\"args\":[\"--for\",\"3s\"]}\n");
  ASSERT_TRUE(eventually([] { return trace_taps > 0; }));
  EXPECT_EQ(echo("web", 1), 101);
  EXPECT_EQ(echo("cache/page_cache", 1), 101) << "another child, which nobody traces";
  crash("web", "while traced");
  const auto all = until_answer(c);
  std::map<std::string, int> kinds;
  for (const auto& one : all) {
    EXPECT_EQ(one.at("id").as_int64(), 9);
    if (!one.contains("ev"))
      continue;
    EXPECT_EQ(one.at("path").as_string(), "web");
    ++kinds[std::string(one.at("ev").as_string())];
    if (one.at("ev").as_string() == "message") {
      EXPECT_EQ(one.at("type").as_string(), "echo_it");
      EXPECT_GE(one.at("took_us").as_int64(), 0);
    }
  }
  EXPECT_EQ(kinds["message"], 1);
  EXPECT_EQ(kinds["exit"], 1);
  EXPECT_EQ(kinds["restart"], 1);
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.back().at("ok").at("messages").as_int64(), 1);
  EXPECT_TRUE(eventually([] { return trace_taps == 0; })) << "and costs nothing afterwards";
}

TEST_F(control_streams_test, a_trace_of_a_busy_child_is_bounded_and_counts_what_it_drops) {
  serve();
  client c(path);
  c.send("{\"cmd\":\"trace\",\"args\":[\"web\",\"--for\",\"3s\"]}\n");
  ASSERT_TRUE(eventually([] { return trace_taps > 0; }));
  for (int i = 0; i < 50'000; ++i)
    tell_to("web", [](caf::event_based_actor*) {});
  const auto all = until_answer(c);
  ASSERT_FALSE(all.empty());
  const auto& sum = all.back().at("ok").as_object();
  EXPECT_GT(sum.at("dropped").as_int64(), 0);
  EXPECT_LE(all.size(), 20'000U);
}

TEST_F(control_streams_test, a_trace_ends_with_its_connection) {
  serve();
  {
    client c(path);
    c.send("{\"cmd\":\"trace\",\"args\":[\"web\",\"--for\",\"10m\"]}\n");
    ASSERT_TRUE(eventually([] { return trace_taps > 0; }));
  }
  EXPECT_TRUE(eventually([] { return trace_taps == 0; }));
  client c(path);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"trace","args":["nobody"]})")), "not_found");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"trace","args":["web","--for","11m"]})")), "usage");
}

TEST_F(control_streams_test, a_drill_kills_each_subsystem_in_turn_but_not_control) {
  serve();
  client c(path);
  c.send("{\"id\":4,\"cmd\":\"chaos\",\"args\":[\"--all\",\"--every\",\"100ms\",\"--for\",\"3s\"]}\n");
  const auto all = until_answer(c);
  ASSERT_GE(all.size(), 5U);
  EXPECT_NE(all.front().at("says").as_string().find("kills cache, web, sessions in turn"), json::string::npos)
      << json::serialize(all.front());
  std::map<std::string, int> killed;
  for (const auto& one : all)
    if (one.contains("ev") && one.at("ev").as_string() == "kill") {
      EXPECT_FALSE(one.contains("code")) << json::serialize(one);
      ++killed[std::string(one.at("path").as_string())];
    }
  EXPECT_GE(killed["cache"], 1);
  EXPECT_GE(killed["web"], 1);
  EXPECT_GE(killed["sessions"], 1);
  EXPECT_EQ(killed.count("control"), 0U);
  const auto& sum = all.back().at("ok").as_object();
  EXPECT_EQ(sum.at("kills").as_int64(),
            static_cast<std::int64_t>(killed["cache"] + killed["web"] + killed["sessions"]));
  EXPECT_EQ(sum.at("failed").as_int64(), 0);
  EXPECT_EQ(node("control").generation, 1U);
  EXPECT_EQ(node("web").restarts, 0) << "an ordered kill spends no budget";
  const auto lines = audited();
  EXPECT_NE(lines.find("\"chaos\",\"args\":[\"--all\",\"--every\",\"100ms\",\"--for\",\"3s\"],\"result\":\"begun\""),
            std::string::npos)
      << lines;
  EXPECT_EQ(std::ranges::count(lines, '\n'), 2) << "its beginning and its end";
}

TEST_F(control_streams_test, one_drill_at_a_time_and_anyone_may_stop_it) {
  serve();
  client c(path);
  c.send("{\"cmd\":\"chaos\",\"args\":[\"web\",\"--every\",\"100ms\",\"--for\",\"10m\"]}\n");
  ASSERT_TRUE(eventually([&] { return node("web").generation > 2; }));
  client other(path);
  EXPECT_EQ(code_of(other.ask(R"({"cmd":"chaos","args":["cache"]})")), "busy");
  EXPECT_EQ(code_of(other.ask(R"({"cmd":"chaos","args":["stop"]})")), "ok");
  const auto all = until_answer(c);
  ASSERT_FALSE(all.empty());
  EXPECT_NE(all.back().at("ok").at("ended").as_string().find("stopped by"), json::string::npos);
  EXPECT_EQ(code_of(other.ask(R"({"cmd":"chaos","args":["stop"]})")), "not_running");
}

TEST_F(control_streams_test, a_drill_ends_with_its_connection) {
  serve();
  {
    client c(path);
    c.send("{\"cmd\":\"chaos\",\"args\":[\"web\",\"--every\",\"100ms\",\"--for\",\"10m\"]}\n");
    ASSERT_TRUE(eventually([&] { return node("web").generation > 1; }));
  }
  EXPECT_TRUE(eventually([&] { return said_in_log("the drill has ended") == 1; }));
  client other(path);
  EXPECT_EQ(code_of(other.ask(R"({"cmd":"chaos","args":["stop"]})")), "not_running");
  EXPECT_TRUE(eventually([&] { return std::ranges::count(audited(), '\n') >= 2; }));
}

TEST_F(control_streams_test, a_drill_refuses_what_would_be_an_attack) {
  serve();
  client c(path);
  for (const auto* args : {R"(["web","--every","99ms"])", R"(["web","--every","0"])", R"(["web","--for","11m"])",
                           R"(["web","--for","601s"])", R"([])", R"(["web","--all"])", R"(["web","cache"])",
                           R"(["--all","--every"])", R"(["web","--often"])", R"(["stop","web"])"})
    EXPECT_EQ(code_of(c.ask(std::string(R"({"cmd":"chaos","args":)") + args + "}")), "usage") << args;
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"chaos","args":["nobody"]})")), "not_found");
  EXPECT_EQ(node("web").generation, 1U);
}

// --- the drill's clock, without a tree ------------------------------------------------------------------------------

TEST(chaos_drill_test, a_kill_without_an_answer_counts_as_failed_and_the_drill_goes_on) {
  chaos_drill drill;
  const time_point start{};
  drill.begin({.path = "a", .every = 1s, .lasting = 20s}, {"a", "b"}, start);
  EXPECT_EQ(drill.next(start), "a");
  const auto lost = drill.turn();
  EXPECT_FALSE(drill.next(start + 4s)) << "one at a time";
  EXPECT_EQ(drill.next(start + 5s), "b");
  EXPECT_FALSE(drill.killed(lost, true, start + 5s)) << "too late";
  EXPECT_TRUE(drill.killed(drill.turn(), true, start + 5100ms));
  EXPECT_EQ(drill.took(), 100ms);
  EXPECT_FALSE(drill.next(start + 5300ms)) << "kills that are late are not made up for";
  EXPECT_TRUE(drill.over(start + 20s));
  EXPECT_FALSE(drill.next(start + 20s));
  EXPECT_EQ(drill.end("over"), R"({"kills":1,"failed":1,"longest_us":100000,"ended":"over"})");
  EXPECT_FALSE(drill.runs());
}

} // namespace
