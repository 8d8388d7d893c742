// SPDX-License-Identifier: Apache-2.0
// The control socket itself: what it answers, how it bounds, where it lives.
#include "control_fixture.hpp"

namespace {

TEST_F(control_test, the_tree_can_be_seen_with_ids_that_come_back) {
  serve();
  client c(path);
  const auto answer = c.ask(R"({"id":7,"cmd":"tree"})");
  EXPECT_EQ(answer.at("id").as_int64(), 7);
  EXPECT_EQ(answer.at("ok").as_array().size(), 7U);
  EXPECT_EQ(answer.at("ok").at(2).at("path").as_string(), "cache/page_cache");
  EXPECT_EQ(c.ask(R"({"id":"x","cmd":"show","args":["site/web"]})").at("ok").at("state").as_string(), "running");
  EXPECT_EQ(boost::json::serialize(c.ask(R"({"cmd":"count"})").at("ok")),
            R"({"specs":4,"active":4,"supervisors":3,"workers":1})")
      << "as OTP counts: its own children";
  EXPECT_EQ(c.ask(R"({"cmd":"count","path":"cache"})").at("ok").at("workers").as_int64(), 1);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"count","path":"cache/page_cache"})")), "not_supervisor");
  EXPECT_EQ(c.ask(R"({"cmd":"health"})").at("ok").at("state").as_string(), "ok");
}

TEST_F(control_test, a_kill_answers_with_the_new_generation_and_is_audited) {
  serve();
  client c(path);
  const auto killed = c.ask(R"({"id":1,"cmd":"kill","path":"cache/page_cache"})");
  EXPECT_EQ(killed.at("ok").at("generation").as_int64(), 2);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"kill","args":["nobody"]})")), "not_found");
  c.ask(R"({"cmd":"tree"})");
  const auto lines = audited();
  EXPECT_EQ(std::ranges::count(lines, '\n'), 2) << "changes only, refused ones too: " << lines;
  EXPECT_NE(lines.find("\"command\":\"kill\",\"args\":[\"cache/page_cache\"],\"result\":\"ok\""), std::string::npos);
  EXPECT_NE(lines.find("\"uid\":" + std::to_string(::getuid())), std::string::npos);
}

TEST_F(control_test, killing_the_control_actor_closes_neither_the_socket_nor_the_connection) {
  serve();
  client c(path);
  EXPECT_EQ(c.ask(R"({"cmd":"kill","path":"control/socket"})").at("ok").at("generation").as_int64(), 2);
  EXPECT_EQ(c.ask(R"({"cmd":"kill","path":"control"})").at("ok").at("generation").as_int64(), 2);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"wait","path":"control"})")), "ok");
  client later(path);
  EXPECT_EQ(code_of(later.ask(R"({"cmd":"health"})")), "ok");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"stop","path":"control"})")), "refused") << "it would lock the operator out";
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"suspend","path":"site/control/socket"})")), "refused");
}

TEST_F(control_test, many_lines_at_once_are_all_answered) {
  serve();
  client c(path);
  std::string all;
  for (int i = 0; i < 200; ++i)
    all += "{\"id\":" + std::to_string(i) + ",\"cmd\":\"count\"}\n";
  c.send(all);
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(json::parse(c.line()).at("id").as_int64(), i);
}

TEST_F(control_test, a_call_without_an_answer_ends_after_its_limit) {
  serve({.call_max = 1s});
  client c(path);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"cache","args":["slow"]})")), "timeout");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"cache","args":["stats"]})")), "ok");
}

TEST_F(control_test, the_tree_can_be_seen_and_steered_while_every_pooled_thread_is_stuck) {
  more.push_back(supervisor({.id = "rendering"}, {.intensity = 5, .period = 30s},
                            {obeying_on_its_own_thread("renderer-1"), obeying_on_its_own_thread("renderer-2")}));
  serve();
  const auto threads = std::max(2U, std::thread::hardware_concurrency());
  std::atomic<unsigned> stuck = 0;
  const auto block = [&](caf::event_based_actor*) {
    ++stuck;
    while (!let_go)
      std::this_thread::sleep_for(1ms);
  };
  for (unsigned i = 0; i < threads; ++i) {
    std::promise<outcome> added;
    tree->add_child("site", obeying("busy" + std::to_string(i)), [&](outcome o) { added.set_value(std::move(o)); });
    ASSERT_TRUE(added.get_future().get().ok);
    tell_to("busy" + std::to_string(i), block);
  }
  ASSERT_TRUE(eventually([&] { return stuck == threads; }));
  client c(path);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"tree"})")), "ok");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"health"})")), "ok");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"crashes"})")), "ok");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"show","path":"rendering"})")), "ok");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"impact","path":"rendering"})")), "ok");
  const auto killed = c.ask(R"({"cmd":"kill","path":"rendering/renderer-1"})");
  ASSERT_EQ(code_of(killed), "ok") << json::serialize(killed);
  EXPECT_EQ(killed.at("ok").at("generation").as_int64(), 2);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"restart","path":"rendering/renderer-2"})")), "ok");
  EXPECT_TRUE(stuck == threads && !let_go) << "they are stuck all the while";
}

TEST_F(control_test, the_socket_is_the_owners_alone_and_a_dead_ones_is_replaced) {
  serve();
  struct stat s {};
  ASSERT_EQ(::stat(path.c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777U, 0600U);
  control second(*tree, {.socket = path});
  EXPECT_FALSE(second.open().ok) << "somebody answers there";
  const auto stale = (folder / "stale.sock").string();
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  std::memcpy(a.sun_path, stale.c_str(), stale.size() + 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a), 0);
  ::close(fd);
  control third(*tree, {.socket = stale});
  EXPECT_TRUE(third.open().ok);
  std::ofstream(folder / "file") << "x";
  control fourth(*tree, {.socket = folder / "file"});
  EXPECT_FALSE(fourth.open().ok) << "a file is never removed";
  EXPECT_TRUE(fs::exists(folder / "file"));
}

TEST_F(control_test, a_path_too_long_is_refused_with_advice) {
  control c(*tree, {.socket = "/tmp/" + std::string(110, 'x')});
  const auto up = c.open();
  EXPECT_FALSE(up.ok);
  EXPECT_NE(up.detail.find("--control"), std::string::npos);
  const auto s = ctl({"--control", "/tmp/" + std::string(110, 'x'), "tree"});
  EXPECT_EQ(s.status, 2);
  EXPECT_NE(s.err.find("--control"), std::string::npos);
}

} // namespace
