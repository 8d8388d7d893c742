// SPDX-License-Identifier: Apache-2.0
// Wrong input to the control socket: refused clearly, logged, harmless.
#include "control_fixture.hpp"

namespace {

class control_misuse_test : public control_test {
protected:
  /// The server is as well as before: it answers somebody new.
  void expect_unharmed() {
    EXPECT_TRUE(eventually([&] {
      client fresh(path);
      fresh.send("{\"id\":1,\"cmd\":\"health\"}\n");
      const auto line = fresh.line();
      return !line.empty() && code_of(json::parse(line).as_object()) == "ok";
    }));
    EXPECT_EQ(audited(), "") << "nothing was changed";
  }
};

TEST_F(control_misuse_test, garbage_is_refused_by_name_and_the_connection_goes_on) {
  serve();
  client c(path);
  const std::string wrong[] = {"nonsense",
                               "[]",
                               "{}",
                               "5",
                               "{\"cmd\":5}",
                               "{\"cmd\":\"\"}",
                               "{\"cmd\":\"tree\",\"args\":[1]}",
                               "{\"cmd\":\"tree\",\"args\":{}}",
                               "{\"cmd\":\"tree\",\"path\":[]}",
                               "{\"cmd\":\"tree\",\"frob\":1}",
                               "{\"cmd\":\"tree\"} {\"cmd\":\"tree\"}",
                               "{\"cmd\":\"tree\",}",
                               "\xff\xfe",
                               "{\"cmd\":\"tree\",\"path\":\"\xc3\x28\"}",
                               std::string("{\"cmd\":\"tr\0ee\"}", 15),
                               "{\"cmd\":\"tr\\u0000ee\"}",
                               "{\"cmd\":\"kill\",\"path\":\"web\\u0000\"}",
                               "{\"cmd\":\"wait\",\"timeout_ms\":-1}",
                               "{\"cmd\":\"wait\",\"timeout_ms\":1e300}",
                               "{\"cmd\":\"wait\",\"timeout_ms\":99999999999999999999999999}",
                               "{\"cmd\":\"wait\",\"timeout_ms\":1.5}",
                               "{\"cmd\":\"kill\",\"path\":\"web\",\"if_gen\":-1}",
                               "{\"cmd\":\"kill\",\"path\":\"web\",\"if_gen\":\"1\"}",
                               "{\"id\":1e999,\"cmd\":\"tree\"}",
                               "{\"id\":{},\"cmd\":\"tree\"}",
                               "{\"id\":\"" + std::string(200, 'x') + "\",\"cmd\":\"tree\"}",
                               std::string(5000, '['),
                               "{\"cmd\":\"tree\",\"args\":[[[[[[[[[[[[]]]]]]]]]]]]}",
                               "{\"cmd\":\"tree\",\"args\":[" +
                                   [] {
                                     std::string many = "\"a\"";
                                     for (int i = 0; i < 100; ++i)
                                       many += ",\"a\"";
                                     return many;
                                   }() +
                                   "]}"};
  for (const auto& line : wrong) {
    EXPECT_EQ(code_of(c.ask(line)), "bad_request") << line.substr(0, 100);
    EXPECT_EQ(code_of(c.ask(R"({"cmd":"count"})")), "ok") << "after " << line.substr(0, 100);
  }
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"frobnicate"})")), "unknown_command");
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"show"})")), "usage");
  const auto named = c.ask(R"({"id":77,"cmd":"tree","frob":1})");
  EXPECT_EQ(named.at("id").as_int64(), 77) << "the asker learns which line it was";
  EXPECT_NE(named.at("error").at("detail").as_string().find("frob"), json::string::npos);
  c.send("\n\r\n");
  EXPECT_EQ(code_of(c.ask("{\"cmd\":\"health\"}\r")), "ok") << "an end of line as Windows has it";
  EXPECT_EQ(node("web").generation, 1U);
  expect_unharmed();
}

TEST_F(control_misuse_test, wrong_lines_are_logged_but_cannot_flood_the_log) {
  serve();
  client c(path);
  for (int i = 0; i < 90; ++i)
    EXPECT_EQ(code_of(c.ask("nonsense")), "bad_request");
  EXPECT_EQ(said_in_log("sent a wrong line"), 10U);
  expect_unharmed();
}

TEST_F(control_misuse_test, a_hundred_wrong_lines_in_a_row_end_the_connection) {
  serve();
  client c(path);
  std::string all;
  for (int i = 0; i < 1000; ++i)
    all += "nonsense\n";
  c.send(all);
  int answers = 0;
  while (!c.line().empty())
    ++answers;
  EXPECT_GE(answers, 100);
  EXPECT_LE(answers, 1001);
  expect_unharmed();
}

TEST_F(control_misuse_test, a_line_beyond_the_limit_ends_the_connection_with_a_word) {
  serve();
  client c(path);
  c.send(std::string(70'000, 'x'));
  EXPECT_EQ(code_of(json::parse(c.line()).as_object()), "too_large");
  EXPECT_EQ(c.line(), "");
  client whole(path);
  whole.send("{\"cmd\":\"" + std::string(70'000, 'x') + "\"}\n");
  EXPECT_EQ(code_of(json::parse(whole.line()).as_object()), "too_large");
  for (int i = 0; i < 5; ++i) {
    client huge(path);
    huge.send(std::string(1'000'000, '{')); // cut long before it is through
  }
  EXPECT_GE(said_in_log("beyond the limit"), 2U);
  expect_unharmed();
}

TEST_F(control_misuse_test, half_a_line_and_silence_is_cut_after_its_deadline) {
  serve({.line_max = 200ms});
  client c(path);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"count"})")), "ok");
  c.send(R"({"cmd":"ki)");
  EXPECT_EQ(code_of(json::parse(c.line()).as_object()), "timeout");
  EXPECT_EQ(c.line(), "") << "the connection has ended";
  client drip(path); // an octet now and then is no way around it
  const auto begun = std::chrono::steady_clock::now();
  int octets = 0; // the first begins the line; a deadline that each moved on would never come
  for (; !drip.readable(20ms) && octets < 100; ++octets)
    drip.send("x");
  EXPECT_LT(octets, 100);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 200ms);
  EXPECT_EQ(code_of(json::parse(drip.line()).as_object()), "timeout");
  EXPECT_EQ(said_in_log("did not end its line"), 2U);
  expect_unharmed();
}

TEST_F(control_misuse_test, a_connection_that_waits_between_lines_is_not_cut) {
  serve({.line_max = 50ms});
  client c(path);
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"count"})")), "ok");
  EXPECT_FALSE(c.readable(300ms));
  EXPECT_EQ(code_of(c.ask(R"({"cmd":"count"})")), "ok");
}

TEST_F(control_misuse_test, no_more_connections_than_eight) {
  serve();
  std::vector<std::unique_ptr<client>> some;
  for (int i = 0; i < 8; ++i) {
    some.push_back(std::make_unique<client>(path));
    EXPECT_EQ(code_of(some.back()->ask(R"({"cmd":"count"})")), "ok");
  }
  client ninth(path);
  EXPECT_EQ(code_of(json::parse(ninth.line()).as_object()), "busy");
  some.pop_back();
  EXPECT_TRUE(eventually([&] {
    client again(path);
    again.send("{\"cmd\":\"count\"}\n");
    const auto line = again.line();
    return !line.empty() && code_of(json::parse(line).as_object()) == "ok";
  }));
}

TEST_F(control_misuse_test, an_idle_connection_gives_way_when_all_are_taken) {
  serve({.idle_max = 0ms});
  std::vector<std::unique_ptr<client>> some;
  for (int i = 0; i < 8; ++i) {
    some.push_back(std::make_unique<client>(path));
    EXPECT_EQ(code_of(some.back()->ask(R"({"cmd":"count"})")), "ok");
  }
  EXPECT_EQ(code_of(some.front()->ask(R"({"cmd":"sub"})")), "ok") << "whoever listens is not idle";
  client ninth(path);
  EXPECT_EQ(code_of(ninth.ask(R"({"cmd":"health"})")), "ok");
  EXPECT_EQ(some[1]->line(), "") << "the one that was silent for the longest time";
  EXPECT_EQ(code_of(some[2]->ask(R"({"cmd":"count"})")), "ok");
}

TEST_F(control_misuse_test, a_thousand_connections_harm_nobody) {
  serve();
  client first(path);
  EXPECT_EQ(code_of(first.ask(R"({"cmd":"count"})")), "ok");
  std::vector<int> many;
  for (int i = 0; i < 1000; ++i) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
    ASSERT_GE(fd, 0);
    [[maybe_unused]] const auto n = ::connect(fd, reinterpret_cast<sockaddr*>(&a), sizeof a); // or the queue is full
    many.push_back(fd);
  }
  EXPECT_EQ(code_of(first.ask(R"({"cmd":"kill","path":"web"})")), "ok") << "who is in goes on working";
  EXPECT_EQ(node("web").generation, 2U);
  for (const int fd : many)
    ::close(fd);
  EXPECT_TRUE(eventually([&] {
    client fresh(path);
    fresh.send("{\"cmd\":\"health\"}\n");
    const auto line = fresh.line();
    return !line.empty() && code_of(json::parse(line).as_object()) == "ok";
  }));
  EXPECT_LE(said_in_log("turned away"), 10U) << "nor can they flood the log";
}

TEST_F(control_misuse_test, whoever_does_not_read_the_answers_is_cut) {
  serve();
  client c(path);
  std::string all;
  for (int i = 0; i < 100; ++i)
    all += "{\"cmd\":\"tree\"}\n";
  // Some megabytes of answers find no reader; ours and the kernel's buffers are bounded, and others are served meanwhile.
  std::thread flood([&] {
    for (int i = 0; i < 500; ++i)
      c.send(all);
  });
  client other(path);
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(code_of(other.ask(R"({"cmd":"count"})")), "ok");
  EXPECT_TRUE(eventually([&] { return said_in_log("does not read its answers") > 0; }, 30s));
  flood.join();
  expect_unharmed();
}

} // namespace
