// SPDX-License-Identifier: Apache-2.0
// What the loops answer by themselves: small posts, and streams of events.
#include "school.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace lyceum::http::testing {
namespace {

class front_own_test : public school {
protected:
  std::shared_ptr<broadcast> frames = std::make_shared<broadcast>();
  std::mutex guard;
  std::vector<reply_ptr> waiting;
  std::atomic<bool> allowed = true;
  std::atomic<bool> over = false; ///< a stream that is opened has had its time

  front_own_test() {
    io_route post{"/own", [](const request&) { return text("looked"); }};
    post.act = [](const request& asked, reply_ptr reply) { reply->fulfil(text("did " + asked.body)); };
    io_route late{"/late"};
    late.act = [this](const request&, reply_ptr reply) {
      std::lock_guard lock(guard);
      waiting.push_back(std::move(reply));
    };
    io_route broken{"/broken"};
    broken.act = [](const request&, reply_ptr) { throw std::runtime_error("on purpose"); };
    io_route lost{"/lost"};
    lost.act = [](const request&, reply_ptr) {};
    io_route events{"/events"};
    events.stream = [this](const request&) -> std::variant<response, stream_opening> {
      if (!allowed)
        return answer_for({problem::kind::not_found, {}});
      return stream_opening{frames, "ada", std::chrono::steady_clock::now() + (over ? -1h : 1h)};
    };
    io_route asks{"/asks"};
    asks.answer_later = [this](const request& asked, reply_ptr reply) {
      if (asked.query_value("now"))
        return static_cast<void>(reply->fulfil(text("now")));
      if (asked.query_value("throw"))
        throw std::runtime_error("on purpose");
      std::lock_guard lock(guard);
      waiting.push_back(std::move(reply));
    };
    io_route large{"/large"};
    large.act = [](const request& asked, reply_ptr reply) { reply->fulfil(text(std::to_string(asked.body.size()))); };
    large.body_bytes_max = 100'000;
    config.io_routes = {post, late, broken, lost, events, asks, large};
  }
  static response text(std::string body) {
    response out;
    out.content_type = "text/plain; charset=utf-8";
    out.body = std::move(body);
    return out;
  }
  static std::string posted(std::string_view target, std::string_view body) {
    return "POST " + std::string(target) +
           " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }
  static frame_ptr data(std::string what) {
    return std::make_shared<const std::string>("data: " + std::move(what) + "\n\n");
  }
  std::unique_ptr<client> look(int receive_buffer = 0) {
    auto one = std::make_unique<client>(address(), receive_buffer);
    one->get("/events");
    return one;
  }
  std::string until_heard(client& from, std::string_view what) {
    std::string all;
    char buffer[65536];
    while (all.find(what) == std::string::npos) {
      const auto n = recv(from.fd(), buffer, sizeof buffer, 0);
      if (n <= 0)
        break;
      all.append(buffer, static_cast<std::size_t>(n));
    }
    return all;
  }
};

TEST_F(front_own_test, a_look_may_be_answered_later_by_another_thread) {
  open();
  client one(address());
  EXPECT_EQ(one.get("/asks?now=1").hear().body, "now");
  one.get("/asks");
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(guard);
    return waiting.size() == 1;
  }));
  EXPECT_EQ(client(address()).get("/own").hear().body, "looked") << "the loop goes on meanwhile";
  std::thread([this] {
    std::lock_guard lock(guard);
    waiting.front()->fulfil(text("later"));
    waiting.clear();
  }).join();
  EXPECT_EQ(one.hear().body, "later");
  EXPECT_EQ(one.get("/asks?now=1").hear().body, "now") << "the connection goes on";
  EXPECT_EQ(one.get("/asks?throw=1").hear().status, 500);
  one.get("/asks");
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(guard);
    return std::exchange(waiting, {}).size() == 1;
  }));
  EXPECT_EQ(one.hear().status, 503) << "whoever was to answer is gone";
  EXPECT_EQ(client(address()).say(posted("/asks", "x")).hear().status, 405);
  EXPECT_EQ(way_in.entered, 0);
}

TEST_F(front_own_test, a_look_that_brings_a_body_is_answered_and_the_body_is_no_request) {
  open();
  client one(address());
  one.say(
      "GET /asks?now=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 37\r\n\r\nGET /own HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(one.hear().body, "now");
  EXPECT_NE(one.hear().body, "looked");
}

TEST_F(front_own_test, a_route_has_a_limit_of_its_own_for_what_is_posted) {
  open();
  EXPECT_EQ(client(address()).say(posted("/large", std::string(100'000, 'x'))).hear().body, "100000");
  EXPECT_EQ(client(address()).say(posted("/large", std::string(100'001, 'x'))).hear().status, 413);
}

TEST_F(front_own_test, a_post_is_answered_by_the_loop_without_a_session) {
  open();
  client one(address());
  EXPECT_EQ(one.say(posted("/own", "this")).hear().body, "did this");
  EXPECT_EQ(one.get("/own").hear().body, "looked") << "the connection goes on";
  EXPECT_EQ(
      one.say("POST /own HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n").hear().body,
      "did abc");
  EXPECT_EQ(one.say(posted("/own", "")).hear().body, "did ");
  EXPECT_EQ(way_in.entered, 0);
}

TEST_F(front_own_test, a_post_may_be_answered_later_from_another_thread) {
  open();
  client one(address());
  one.say(posted("/late", "x"));
  ASSERT_TRUE(eventually([&] {
    std::lock_guard lock(guard);
    return waiting.size() == 1;
  }));
  std::thread([&] { waiting.front()->fulfil(text("at last")); }).join();
  EXPECT_EQ(one.hear().body, "at last");
}

TEST_F(front_own_test, a_post_that_nobody_answers_ends_by_its_deadline) {
  config.limits.answer = 300ms;
  open();
  EXPECT_EQ(client(address()).say(posted("/late", "x")).hear().status, 504);
  EXPECT_FALSE(waiting.front()->fulfil(text("too late")));
}

TEST_F(front_own_test, a_post_that_is_dropped_or_throws_is_answered_at_once) {
  open();
  EXPECT_EQ(client(address()).say(posted("/lost", "x")).hear().status, 503);
  EXPECT_EQ(client(address()).say(posted("/broken", "x")).hear().status, 500);
  EXPECT_EQ(site->stats().faults, 1u);
}

TEST_F(front_own_test, a_post_has_at_most_8_kib) {
  open();
  EXPECT_EQ(client(address()).say(posted("/own", std::string(8 * 1024, 'a'))).hear().status, 200);
  EXPECT_EQ(client(address()).say(posted("/own", std::string(8 * 1024 + 1, 'a'))).hear().status, 413);
  std::string chunked = "POST /own HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2001\r\n";
  EXPECT_EQ(client(address()).say(chunked + std::string(0x2001, 'a') + "\r\n0\r\n\r\n").hear().status, 413);
}

TEST_F(front_own_test, another_method_is_told_which_there_are) {
  open();
  EXPECT_EQ(get("/late").status, 405);
  EXPECT_EQ(get("/late").field("Allow"), "OPTIONS, POST");
  const auto put = client(address()).say("PUT /own HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab").hear();
  EXPECT_EQ(put.status, 405);
  EXPECT_EQ(put.field("Allow"), "GET, HEAD, OPTIONS, POST");
}

TEST_F(front_own_test, a_stream_begins_with_a_whole_frame_and_goes_on_with_changes) {
  open();
  auto one = look();
  const auto head = until_heard(*one, "retry: 2000\n\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n"));
  for (const char* line : {"Content-Type: text/event-stream\r\n", "Cache-Control: no-store\r\n",
                           "Connection: close\r\n", "X-Content-Type-Options: nosniff\r\n"})
    EXPECT_NE(head.find(line), std::string::npos) << line;
  EXPECT_EQ(head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(frames->watching(), 1u);
  frames->publish(data("c1"), data("w1"));
  EXPECT_EQ(until_heard(*one, "\n\n"), "data: w1\n\n");
  frames->publish(data("c2"), data("w2"));
  EXPECT_EQ(until_heard(*one, "\n\n"), "data: c2\n\n");
  one.reset();
  EXPECT_TRUE(eventually([&] { return frames->watching() == 0; })) << "a client that went leaves its seat";
}

TEST_F(front_own_test, a_stream_may_be_refused_and_a_head_opens_none) {
  open();
  client one(address());
  EXPECT_EQ(one.say("HEAD /events HTTP/1.1\r\nHost: a\r\n\r\n").hear(true).status, 200);
  EXPECT_EQ(frames->watching(), 0u);
  allowed = false;
  EXPECT_EQ(one.get("/events").hear().status, 404);
}

TEST_F(front_own_test, sixteen_look_and_the_next_is_asked_to_come_back) {
  open();
  std::vector<std::unique_ptr<client>> all;
  for (std::size_t i = 0; i < broadcast::seats_max; ++i)
    all.push_back(look());
  ASSERT_TRUE(eventually([&] { return frames->watching() == broadcast::seats_max; }));
  const auto no = get("/events");
  EXPECT_EQ(no.status, 503);
  EXPECT_EQ(no.field("Retry-After"), "5");
  all.pop_back();
  EXPECT_TRUE(eventually([&] { return frames->watching() == broadcast::seats_max - 1; }));
  EXPECT_EQ(look()->hear().status, 200);
}

TEST_F(front_own_test, a_client_that_reads_nothing_costs_its_bound_and_no_more_and_is_cut) {
  config.limits.write = 700ms;
  open();
  auto deaf = look(4096);
  auto good = look();
  ASSERT_TRUE(eventually([&] { return frames->watching() == 2; }));
  const std::string filler(30'000, '.');
  const auto use_before = frames.use_count();
  std::weak_ptr<const std::string> first;
  int published = 0;
  ASSERT_TRUE(eventually([&] { // until something had to be dropped: the kernel takes what it takes
    const auto frame = data(filler);
    if (first.expired() && published == 0)
      first = frame;
    frames->publish(frame, frame);
    ++published;
    until_heard(*good, "\n\n");
    return site->stats().frames_dropped > 0;
  }));
  EXPECT_LT(published, 40) << "the kernel's buffer is bounded as well";
  pages.put("/ready", ready_page("ready"));
  EXPECT_EQ(get("/ready").body, "ready") << "others are served meanwhile";
  EXPECT_TRUE(eventually([&] { return frames->watching() == 1; })) << "no progress for so long is the end";
  EXPECT_GE(site->stats().timeouts, 1u);
  frames->publish(data("c"), data("w"));
  EXPECT_NE(until_heard(*good, "data: c").find("data: c"), std::string::npos) << "who reads is not behind";
  EXPECT_TRUE(eventually([&] { return first.expired(); })) << "what was sent is not kept";
  EXPECT_LE(frames.use_count(), use_before);
}

TEST_F(front_own_test, who_was_behind_gets_a_whole_frame_next) {
  open();
  auto slow = look(4096);
  until_heard(*slow, "retry: 2000\n\n");
  const std::string filler(30'000, '.');
  ASSERT_TRUE(eventually([&] {
    frames->publish(data("c" + filler), data("w" + filler));
    std::this_thread::sleep_for(1ms); // one at a time is on its way
    return site->stats().frames_dropped > 0;
  }));
  std::atomic<bool> heard = false;
  std::thread reading([&] {
    std::string all;
    char buffer[65536];
    while (!heard) {
      const auto n = recv(slow->fd(), buffer, sizeof buffer, 0);
      if (n <= 0)
        break;
      all.append(buffer, static_cast<std::size_t>(n));
      heard = all.find("data: whole\n") != std::string::npos;
    }
  });
  EXPECT_TRUE(eventually([&] {
    frames->publish(data("change"), data("whole"));
    return heard.load();
  }));
  slow->no_more();
  reading.join();
}

TEST_F(front_own_test, a_quiet_stream_says_that_it_is_there) {
  config.limits.stream_quiet = 300ms;
  open();
  auto one = look();
  const auto all = until_heard(*one, ": still here\n\n: still here\n\n");
  EXPECT_NE(all.find(": still here\n\n"), std::string::npos);
}

TEST_F(front_own_test, a_stream_ends_by_name_by_time_and_by_its_clients_talk) {
  open();
  auto one = look();
  until_heard(*one, "retry");
  frames->end("grace");
  frames->publish(data("c"), data("w"));
  EXPECT_NE(until_heard(*one, "data: w").find("data: w"), std::string::npos);
  frames->end("ada");
  EXPECT_TRUE(eventually([&] { return frames->watching() == 0; }));

  auto talker = look();
  until_heard(*talker, "retry");
  talker->say(std::string(8192, 'x'));
  EXPECT_TRUE(eventually([&] { return frames->watching() == 0; }));

  over = true;
  auto old = look();
  until_heard(*old, "retry");
  frames->publish(data("c"), data("w"));
  EXPECT_TRUE(eventually([&] { return frames->watching() == 0; }));
}

TEST_F(front_own_test, draining_ends_streams_and_opens_none) {
  open();
  auto one = look();
  until_heard(*one, "retry");
  EXPECT_TRUE(site->drain(5s));
  EXPECT_EQ(frames->watching(), 0u);
}

TEST_F(front_own_test, a_large_crowd_does_not_hurry_a_stream) {
  config.limits.connections_max = 4;
  config.limits.idle_crowded = 250ms;
  open();
  std::vector<std::unique_ptr<client>> all;
  all.push_back(look());
  until_heard(*all.front(), "retry");
  for (int i = 0; i < 3; ++i)
    all.push_back(std::make_unique<client>(address()));
  EXPECT_TRUE(eventually([&] { return site->stats().open <= 3; })) << "the idle ones go";
  EXPECT_EQ(frames->watching(), 1u);
}

} // namespace
} // namespace lyceum::http::testing
