// SPDX-License-Identifier: Apache-2.0
// The console's way in and its commands, in octets: what a browser would never send, too.
#include "tests/site/server.hpp"

#include <csignal>
#include <gtest/gtest.h>

namespace lyceum::testing {
namespace {

class console_test : public ::testing::Test {
protected:
  server school{{.content = sample_school()}};
  std::string cookie, csrf;

  void SetUp() override { ASSERT_TRUE(school.ready()) << school.log(); }
  std::string token() {
    const auto got = school.ctl({"--json", "console"});
    const auto at = got.out.find('#');
    EXPECT_NE(at, std::string::npos) << got.out << got.err;
    return got.out.substr(at + 1, got.out.find('"', at) - at - 1);
  }
  answer post(const std::string& path, const std::string& body, const std::vector<std::string>& headers = {}) {
    std::string request = "POST " + path +
                          " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                          "\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    for (const auto& one : headers)
      request += one + "\r\n";
    return client(school.port()).ask(request + "\r\n" + body);
  }
  /// "Cookie: …" of a new session.
  std::string signed_in() {
    const auto got = post("/ops/enter", "token=" + token());
    EXPECT_EQ(got.status, 303);
    const auto line = got.field("Set-Cookie");
    for (const char* word : {"HttpOnly", "SameSite=Strict", "Path=/ops", "Max-Age=43200"})
      EXPECT_NE(line.find(word), std::string::npos) << line;
    EXPECT_EQ(line.find("Secure"), std::string::npos) << "a browser would refuse it without TLS";
    return "Cookie: " + line.substr(0, line.find(';'));
  }
  void enter() {
    cookie = signed_in();
    const auto page = school.get("/ops", {cookie});
    ASSERT_EQ(page.status, 200);
    EXPECT_EQ(page.field("Cache-Control"), "no-store");
    const auto at = page.body.find("name=\"csrf\" value=\"") + 19;
    csrf = page.body.substr(at, page.body.find('"', at) - at);
  }
  std::string order(const std::string& op, const std::string& path, const std::string& more = "") {
    const auto told = school.get("/ops/impact?op=" + op + "&path=" + path, {cookie}).body;
    const auto at = told.find("\"generation\":\"") + 14;
    return "csrf=" + csrf + "&op=" + op + "&path=" + path + "&gen=" + told.substr(at, told.find('"', at) - at) + more;
  }
  std::string generation_of(const std::string& path) {
    const auto told = school.ctl({"--json", "show", path}).out;
    const auto at = told.find("\"generation\":") + 13;
    return told.substr(at, told.find_first_of(",}", at) - at);
  }
};

TEST_F(console_test, without_a_session_there_is_nothing_to_see) {
  const auto door = school.get("/ops");
  EXPECT_EQ(door.status, 403);
  EXPECT_NE(door.body.find("lyceum ctl console"), std::string::npos);
  EXPECT_EQ(door.body.find("page_cache"), std::string::npos);
  for (const char* path : {"/ops/events", "/ops/ask?path=cache&op=restart", "/ops/nothing"})
    EXPECT_EQ(school.get(path).status, 404) << path;
  EXPECT_EQ(school.get("/ops/impact?path=cache&op=restart").status, 403);
  EXPECT_EQ(school.get("/ops/session").status, 403);
  for (const char* path : {"/ops/act", "/ops/leave"})
    EXPECT_EQ(post(path, "op=kill&path=cache&csrf=x").status, 404) << path;
}

TEST_F(console_test, a_link_is_for_one_use_and_looking_at_it_is_none) {
  const auto one = token();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(school.get("/ops/enter").status, 200) << "a mail scanner";
  EXPECT_EQ(post("/ops/enter", "token=" + one, {"Origin: http://evil.example"}).status, 403);
  EXPECT_EQ(post("/ops/enter", "token=" + one, {"Sec-Fetch-Site: cross-site"}).status, 403);
  EXPECT_EQ(post("/ops/enter", "token=" + one, {"Origin: http://localhost", "Sec-Fetch-Site: same-origin"}).status,
            303);
  EXPECT_EQ(post("/ops/enter", "token=" + one).status, 403);
  EXPECT_EQ(post("/ops/enter", "token=").status, 403);
  EXPECT_EQ(post("/ops/enter", "").status, 403);
  EXPECT_EQ(school.log().find(one), std::string::npos);
  EXPECT_EQ(read_file(school.data() / "log" / "access.jsonl").find(one), std::string::npos);
}

TEST_F(console_test, a_cookie_that_is_not_ours_opens_nothing) {
  enter();
  for (std::size_t i = std::string("Cookie: lyceum-ops=").size(); i < cookie.size(); ++i) {
    auto bad = cookie;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    ASSERT_EQ(school.get("/ops/session", {bad}).status, 403) << i;
  }
  EXPECT_EQ(school.get("/ops/session", {cookie}).status, 204);
  EXPECT_EQ(school.get("/ops/session", {"Cookie: a=b; " + cookie.substr(8) + "; c=d"}).status, 204);
}

TEST_F(console_test, a_command_needs_the_forms_token_and_comes_from_here) {
  enter();
  const auto before = generation_of("cache/encoder");
  const auto body = order("restart", "cache/encoder");
  EXPECT_EQ(post("/ops/act", body).status, 404) << "no cookie";
  EXPECT_EQ(post("/ops/act", body.substr(body.find('&') + 1), {cookie}).status, 403) << "no token";
  EXPECT_EQ(post("/ops/act", "csrf=AAAA" + body.substr(9), {cookie}).status, 403);
  EXPECT_EQ(post("/ops/act", body, {cookie, "Origin: http://evil.example"}).status, 403);
  EXPECT_EQ(post("/ops/act", body, {cookie, "Origin: null"}).status, 403);
  EXPECT_EQ(post("/ops/act", body, {cookie, "Sec-Fetch-Site: cross-site"}).status, 403);
  EXPECT_EQ(post("/ops/act", body, {cookie, "Sec-Fetch-Site: same-site"}).status, 403);
  const auto other = signed_in();
  EXPECT_EQ(post("/ops/act", body, {other}).status, 403) << "another session's token";
  EXPECT_EQ(school.get("/ops/act", {cookie}).status, 405) << "looking changes nothing";
  EXPECT_EQ(generation_of("cache/encoder"), before);

  EXPECT_EQ(post("/ops/act", body, {cookie, "Origin: http://localhost", "Sec-Fetch-Site: same-origin"}).status, 303);
  EXPECT_NE(generation_of("cache/encoder"), before);
  EXPECT_NE(school.get("/ops", {cookie}).body.find("restart: cache/encoder is running"), std::string::npos);
  EXPECT_EQ(school.get("/ops", {cookie}).body.find("restart: cache/encoder is running"), std::string::npos)
      << "told once";
  EXPECT_NE(read_file(school.data() / "log" / "audit.jsonl").find("console "), std::string::npos);
}

TEST_F(console_test, a_command_is_for_the_life_that_was_seen) {
  enter();
  const auto body = order("restart", "cache/encoder");
  ASSERT_EQ(school.ctl({"kill", "cache/encoder"}).status, 0);
  const auto late = post("/ops/act", body, {cookie, "Accept: application/json"});
  EXPECT_EQ(late.status, 409);
  EXPECT_NE(late.body.find("\"ok\":false"), std::string::npos);
}

TEST_F(console_test, what_destroys_is_done_only_by_name) {
  enter();
  EXPECT_EQ(post("/ops/act", order("stop", "rendering"), {cookie}).status, 409);
  EXPECT_EQ(post("/ops/act", order("stop", "rendering", "&name=render"), {cookie}).status, 409);
  EXPECT_EQ(post("/ops/act", order("stop", "control", "&name=control"), {cookie}).status, 409) << "nobody locks out";
  EXPECT_EQ(post("/ops/act", order("stop", "rendering", "&name=rendering"), {cookie}).status, 303);
  EXPECT_EQ(post("/ops/act", order("start", "rendering"), {cookie}).status, 303);
  EXPECT_EQ(post("/ops/act", order("remove", "rendering"), {cookie}).status, 404);
}

TEST_F(console_test, it_serves_while_everything_else_is_stopped) {
  enter();
  for (const char* part : {"storage", "sessions", "rendering", "cache", "content"})
    ASSERT_EQ(school.ctl({"stop", part}).status, 0) << part;
  const auto page = school.get("/ops", {cookie});
  EXPECT_EQ(page.status, 200);
  EXPECT_NE(page.body.find("stopped"), std::string::npos);
  for (const char* mark : {"href=\"/assets/ops.", "src=\"/assets/ops."}) {
    const auto at = page.body.find(mark) + std::string(mark).size() - 12;
    EXPECT_EQ(school.get(page.body.substr(at, page.body.find('"', at) - at)).status, 200) << mark;
  }
  client live(school.port());
  ASSERT_TRUE(live.send("GET /ops/events HTTP/1.1\r\nHost: localhost\r\n" + cookie + "\r\n\r\n"));
  EXPECT_EQ(post("/ops/act", order("start", "storage"), {cookie}).status, 303) << "and it heals";
  EXPECT_EQ(school.ctl({"wait", "storage"}).status, 0);
  for (const char* part : {"sessions", "rendering", "cache", "content"})
    EXPECT_EQ(school.ctl({"start", part}).status, 0) << part;
}

TEST_F(console_test, a_session_outlives_the_process_and_ends_by_signing_out) {
  enter();
  kill(school.process(), SIGKILL);
  ASSERT_TRUE(eventually([&] { return school.get("/ops/session", {cookie}).status == 204; }, 20s));
  EXPECT_EQ(post("/ops/leave", "csrf=" + csrf, {cookie}).status, 303);
  EXPECT_EQ(school.get("/ops/session", {cookie}).status, 403);
}

TEST(console_behind_tls_test, its_cookie_is_one_that_nobody_else_can_set) {
  server school{{.content = sample_school(), .arguments = {"--base-url", "https://school.example"}}};
  ASSERT_TRUE(school.ready()) << school.log();
  const auto link = school.ctl({"--json", "console"}).out;
  const auto at = link.find("https://school.example/ops/enter#") + 33;
  const auto token = link.substr(at, link.find('"', at) - at);
  const auto post = [&](const std::string& host, const std::string& origin) {
    const auto body = "token=" + token;
    return client(school.port())
        .ask("POST /ops/enter HTTP/1.1\r\nHost: " + host + "\r\nOrigin: " + origin +
             "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  EXPECT_EQ(post("school.example", "https://school.example.evil.example").status, 403);
  const auto line = post("school.example", "https://school.example").field("Set-Cookie");
  EXPECT_TRUE(line.starts_with("__Host-ops=")) << line;
  for (const char* word : {"; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Strict"})
    EXPECT_NE(line.find(word), std::string::npos) << line;
  const auto cookie = "Cookie: " + line.substr(0, line.find(';'));
  const auto session = [&](const std::string& host) {
    return client(school.port())
        .ask("GET /ops/session HTTP/1.1\r\nHost: " + host + "\r\n" + cookie + "\r\n\r\n")
        .status;
  };
  EXPECT_EQ(session("school.example"), 204);
  EXPECT_EQ(session("localhost"), 403) << "there its name would promise what nobody keeps";
}

} // namespace
} // namespace lyceum::testing
