// SPDX-License-Identifier: Apache-2.0
#include "reader.hpp"
#include "school.hpp"

#include <future>
#include <map>

namespace lyceum::http::testing {
namespace {

using front_test = school;

TEST_F(front_test, a_request_goes_through_the_door_and_back) {
  open();
  const auto got = get("/plain/a");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "plain:/plain/a");
  EXPECT_EQ(got.field("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(got.field("Cache-Control"), "no-store");
  EXPECT_EQ(got.field("X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(got.field("X-Request-Id").size(), 16u);
  EXPECT_EQ(got.field("X-Request-Id"), way_in.last().id);
  EXPECT_EQ(got.field("Date").size(), 29u);
  EXPECT_EQ(got.field("Server"), "");
  EXPECT_EQ(way_in.last().param("name"), "a");
  EXPECT_EQ(way_in.last().peer, "127.0.0.1");
}

TEST_F(front_test, a_request_cut_at_any_octet_is_the_same_request) {
  open();
  const std::string text = "POST /plain/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  client one(address());
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    one.say(text.substr(0, cut));
    if (cut % 8 == 0) // let the loop see the first piece alone now and then
      eventually([&, before = site->stats().requests] { return site->stats().requests == before; });
    one.say(text.substr(cut));
    EXPECT_EQ(one.hear().body, "posted:/plain/ahello") << cut;
  }
}

TEST_F(front_test, a_chunked_body_sent_octet_by_octet_arrives_whole) {
  open();
  client one(address());
  for (const char c : std::string("POST /plain/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                  "chunked\r\n\r\n2;x=y\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"))
    one.say(std::string(1, c));
  EXPECT_EQ(one.hear().body, "posted:/plain/aabcde");
}

TEST_F(front_test, pipelined_answers_keep_their_order) {
  // Jobs are answered in reverse, so that only the connection can keep the order.
  std::mutex guard;
  std::vector<job_ptr> held;
  way_in.instead = [&](const job_ptr& what) {
    std::lock_guard lock(guard);
    held.push_back(what);
  };
  pages.put("/ready", ready_page("ready"));
  open();
  client one(address());
  one.say("GET /plain/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /ready HTTP/1.1\r\nHost: a\r\n\r\n"
          "GET /plain/2 HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing/here HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto answer_next = [&](std::size_t i) {
    ASSERT_TRUE(eventually([&] {
      std::lock_guard lock(guard);
      return held.size() == i + 1;
    }));
    std::lock_guard lock(guard);
    open_door::run(held[i]);
  };
  answer_next(0);
  EXPECT_EQ(one.hear().body, "plain:/plain/1");
  EXPECT_EQ(one.hear().body, "ready");
  answer_next(1);
  EXPECT_EQ(one.hear().body, "plain:/plain/2");
  EXPECT_EQ(one.hear().status, 404);
}

TEST_F(front_test, head_has_the_length_and_no_body) {
  open();
  client one(address());
  one.say("HEAD /plain/a HTTP/1.1\r\nHost: a\r\n\r\nHEAD /none/at/all HTTP/1.1\r\nHost: a\r\n\r\n").get("/plain/b");
  const auto first = one.hear(true);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.field("Content-Length"), "14");
  EXPECT_EQ(one.hear(true).status, 404);
  EXPECT_EQ(one.hear().body, "plain:/plain/b") << "no octet of a body stood between";
}

TEST_F(front_test, what_is_not_there_is_told_apart_from_what_is_not_allowed) {
  open();
  EXPECT_EQ(get("/nothing").status, 404);
  EXPECT_EQ(get("/nothing").body, "<h1>404</h1>");
  const auto wrong = client(address()).say("DELETE /plain/a HTTP/1.1\r\nHost: a\r\n\r\n").hear();
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.field("Allow"), "GET, HEAD, OPTIONS, POST");
  const auto options = client(address()).say("OPTIONS /plain/a HTTP/1.1\r\nHost: a\r\n\r\n").hear();
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.field("Allow"), "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(options.field("Content-Length"), "");
  EXPECT_EQ(client(address()).say("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").hear().status, 204);
  const auto moved = get("/plain/a/?x=y");
  EXPECT_EQ(moved.status, 308);
  EXPECT_EQ(moved.field("Location"), "/plain/a?x=y");
  EXPECT_EQ(way_in.entered, 0);
}

TEST_F(front_test, no_redirect_leads_away) {
  open();
  for (const auto* target :
       {"//evil.example/", "//evil.example/%2e%2e", "/%2f/evil.example/", "/\\evil.example/", "/plain/%5cevil/",
        "/%09/evil.example/", "///evil.example/", "http://evil.example//evil.example/"}) {
    const auto got = get(target);
    EXPECT_TRUE(got.status == 400 || got.status == 404) << target << " was answered " << got.status;
    EXPECT_EQ(got.field("Location"), "") << target;
  }
}

TEST_F(front_test, wrong_requests_are_refused_and_never_reach_the_door) {
  open();
  int tried = 0;
  for (const auto& one : read_cases(LYCEUM_REQUESTS)) {
    if (one.refused == 0 || one.requests != 0)
      continue;
    const auto methods_before = way_in.entered.load();
    client mad(address());
    mad.say(one.octets);
    const auto got = mad.hear();
    // A body is not read for a path that does not exist: then the path decides.
    EXPECT_TRUE(got.status == one.refused || got.status == 404 || got.status == 405) << one.name << ": " << got.status;
    EXPECT_EQ(got.field("Connection"), "close") << one.name;
    EXPECT_TRUE(mad.is_over()) << one.name << ": the connection stays open, or was reset";
    EXPECT_EQ(way_in.entered, methods_before) << one.name;
    ++tried;
  }
  EXPECT_GT(tried, 100);
  EXPECT_EQ(site->stats().faults, 0u);
  EXPECT_EQ(get("/plain/a").status, 200);
}

TEST_F(front_test, malformed_chunks_end_the_connection) {
  open();
  client mad(address());
  mad.say("POST /plain/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nGET /plain/evil "
          "HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(mad.hear().status, 400);
  EXPECT_TRUE(mad.is_over());
  EXPECT_EQ(way_in.entered, 0);
}

TEST_F(front_test, close_is_kept) {
  open();
  client one(address());
  // In one piece: octets that come after the server's close would turn it into a reset.
  one.say(client::request("/plain/a", "Connection: close\r\n") + client::request("/plain/b"));
  const auto got = one.hear();
  EXPECT_EQ(got.field("Connection"), "close");
  EXPECT_TRUE(one.is_over()) << "the second request was answered";

  client old(address());
  old.say("GET /plain/a HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.hear().field("Connection"), "close");
  EXPECT_TRUE(old.is_over());

  client kept(address());
  kept.say("GET /plain/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept.hear().field("Connection"), "keep-alive");
  kept.get("/plain/b");
  EXPECT_EQ(kept.hear().body, "plain:/plain/b");
}

TEST_F(front_test, a_client_that_stops_sending_still_gets_its_answer) {
  open();
  client one(address());
  one.get("/plain/a");
  one.no_more();
  EXPECT_EQ(one.hear().status, 200);
  EXPECT_TRUE(one.is_over());
}

TEST_F(front_test, a_body_is_asked_for_once) {
  open();
  client one(address());
  one.say("POST /plain/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(one.hear().status, 100);
  one.say("ab");
  EXPECT_EQ(one.hear().body, "posted:/plain/aab");
  one.say("POST /plain/a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\ncd");
  EXPECT_EQ(one.hear().body, "posted:/plain/acd") << "it had come already";
  one.say("POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(one.hear().status, 404) << "no body is asked for to throw it away";
  EXPECT_TRUE(one.is_over());
}

TEST_F(front_test, a_body_over_its_limit_is_refused_unread) {
  rows[1].body_max = 10;
  open();
  client one(address());
  one.say("POST /plain/a HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n");
  EXPECT_EQ(one.hear().status, 413);
  EXPECT_TRUE(one.is_over());
  client two(address());
  two.say("POST /plain/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nabcdefgh\r\n3\r\nxyz\r\n");
  EXPECT_EQ(two.hear().status, 413);
  EXPECT_TRUE(two.is_over());
  EXPECT_EQ(way_in.entered, 0);
  client three(address());
  three.say("POST /plain/a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789");
  EXPECT_EQ(three.hear().status, 200);
}

TEST_F(front_test, a_lost_request_is_answered_503_at_once) {
  way_in.instead = [](const job_ptr&) {}; // dropped
  open();
  const auto before = std::chrono::steady_clock::now();
  const auto got = get("/plain/a");
  EXPECT_EQ(got.status, 503);
  EXPECT_EQ(got.field("Retry-After"), "1");
  EXPECT_EQ(got.body, "<h1>503</h1>");
  EXPECT_LT(std::chrono::steady_clock::now() - before, 3s) << "4 s is the limit of an answer";
}

TEST_F(front_test, a_late_answer_is_504_and_its_work_is_called_off) {
  config.limits.answer = 300ms;
  std::promise<job_ptr> taken;
  way_in.instead = [&](const job_ptr& what) { taken.set_value(what); };
  open();
  client one(address());
  one.get("/plain/a");
  const auto held = taken.get_future().get();
  EXPECT_FALSE(held->reply->done());
  EXPECT_EQ(one.hear().status, 504);
  EXPECT_TRUE(held->reply->done());
  EXPECT_FALSE(held->reply->fulfil(response{}));
  one.get("/nothing");
  EXPECT_EQ(one.hear().status, 404) << "the connection goes on";
  EXPECT_EQ(site->stats().late, 1u);
}

TEST_F(front_test, a_loop_answers_its_own_routes_whatever_the_actors_do) {
  way_in.instead = [](const job_ptr& what) {
    static std::vector<job_ptr> kept;
    kept.push_back(what);
  };
  config.io_routes = {{"/livez",
                       [](const request& asked) {
                         response out;
                         out.body = asked.local ? "local" : "remote";
                         return out;
                       }},
                      {"/broken", [](const request&) -> response { throw std::runtime_error("broken"); }}};
  open();
  EXPECT_EQ(get("/livez").body, "local");
  EXPECT_EQ(get("/broken").status, 500);
  EXPECT_EQ(get("/livez").body, "local");
}

TEST_F(front_test, local_is_only_who_comes_from_this_machine_and_says_so) {
  auto local = make_route("GET", "/dev", says("dev:"));
  local.allowed = who::local;
  rows.push_back(local);
  open();
  const auto status = [&](std::string_view host, std::string_view more = "") {
    return client(address())
        .say("GET /dev HTTP/1.1\r\nHost: " + std::string(host) + "\r\n" + std::string(more) + "\r\n")
        .hear()
        .status;
  };
  EXPECT_EQ(status("localhost"), 200);
  EXPECT_EQ(status("127.0.0.1:8080"), 200);
  EXPECT_EQ(status("[::1]"), 200);
  EXPECT_EQ(status("school.example"), 404);
  EXPECT_EQ(status("localhost", "X-Forwarded-For: 1.2.3.4\r\n"), 404);
  EXPECT_EQ(status("localhost", "x-forwarded-host: a\r\n"), 404);
  EXPECT_EQ(status("localhost", "Forwarded: for=1.2.3.4\r\n"), 404);
  EXPECT_EQ(status("localhost", "Via: 1.1 proxy\r\n"), 404);
}

TEST_F(front_test, nothing_is_local_where_the_site_is_public) {
  config.local_allowed = false;
  open();
  get("/plain/a");
  EXPECT_FALSE(way_in.last().local);
}

TEST_F(front_test, headers_that_would_break_the_answer_are_left_out) {
  rows.push_back(make_route("GET", "/split", [](const request& asked, storage::db*) {
    response out;
    out.headers = {{"X-Good", "yes"}, {"X-Bad", "a\r\nSet-Cookie: b"}, {"Bad Name", "x"}, {"Content-Length", "7"}};
    out.headers.push_back({"X-Target", asked.target});
    return out;
  }));
  open();
  const auto got = get("/split");
  EXPECT_EQ(got.field("X-Good"), "yes");
  EXPECT_EQ(got.field("X-Bad"), "");
  EXPECT_EQ(got.field("Set-Cookie"), "");
  EXPECT_EQ(got.field("Content-Length"), "0");
}

TEST_F(front_test, problems_have_statuses) {
  using kind = problem::kind;
  const std::map<kind, int> expected = {{kind::not_found, 404}, {kind::invalid, 400},      {kind::forbidden, 403},
                                        {kind::conflict, 409},  {kind::too_large, 413},    {kind::unavailable, 503},
                                        {kind::timeout, 504},   {kind::needs_render, 503}, {kind::internal, 500}};
  for (const auto& [what, status] : expected)
    EXPECT_EQ(answer_for({what, {}}).status, status);
  EXPECT_EQ(answer_for({kind::moved, "/new"}).status, 302);
  for (const auto* away : {"//evil.example", "/\\evil.example", "https://evil.example", ""})
    EXPECT_EQ(answer_for({kind::moved, away}).status, 404) << away;
  EXPECT_EQ(answer_for({kind::unavailable, {}, 7s}).headers.at(0).value, "7");
}

TEST_F(front_test, a_used_port_is_named) {
  open();
  try {
    open_listeners(address(), 1);
    FAIL() << "two programs share a port";
  } catch (const std::runtime_error& e) {
    EXPECT_EQ(e.what(), "cannot listen on " + address() + ": the address is in use by another program");
  }
  EXPECT_THROW(open_listeners("nonsense", 1), std::runtime_error);
  EXPECT_THROW(open_listeners("127.0.0.1:70000", 1), std::runtime_error);
  EXPECT_THROW(open_listeners("localhost.example:80", 1), std::runtime_error);
}

TEST_F(front_test, every_loop_serves_its_sockets) {
  config.threads = 3;
  const auto inherited = open_listeners("127.0.0.1:0", 3);
  config.sockets = inherited;
  open();
  EXPECT_EQ(site->addresses().size(), 1u);
  for (int i = 0; i < 60; ++i)
    EXPECT_EQ(get("/plain/a").status, 200);
  for (const auto& one : site->vitals())
    EXPECT_GT(one.accepted, 0u) << "a socket is left unaccepted";
  site.reset();
  client waits(std::string("127.0.0.1:") + [&] {
    sockaddr_in at{};
    socklen_t size = sizeof at;
    getsockname(inherited[0], reinterpret_cast<sockaddr*>(&at), &size);
    return std::to_string(ntohs(at.sin_port));
  }()); // inherited sockets stay open
  for (const int fd : inherited)
    close(fd);
}

TEST_F(front_test, one_inherited_socket_feeds_all_loops) {
  config.threads = 2;
  config.sockets = open_listeners("127.0.0.1:0", 1);
  open();
  site->disarm(0);
  EXPECT_TRUE(eventually([&] { return !site->vitals().at(0).armed; }));
  EXPECT_EQ(get("/plain/a").status, 200);
  close(config.sockets[0]);
}

} // namespace
} // namespace lyceum::http::testing
