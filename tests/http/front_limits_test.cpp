// SPDX-License-Identifier: Apache-2.0
#include "school.hpp"

#include <future>
#include <sys/resource.h>

namespace lyceum::http::testing {
namespace {

using front_limits_test = school;
using clock = std::chrono::steady_clock;

TEST_F(front_limits_test, a_header_has_a_total_time_however_it_drips) {
  config.limits.header = 500ms;
  open();
  client drips(address());
  const auto before = clock::now();
  std::atomic<bool> stop = false;
  std::thread dripping([&] {
    drips.say("GET / HTTP/1.1\r\n");
    for (int i = 0; !stop && i < 1000; ++i) {
      drips.say("X-" + std::to_string(i) + ": y\r\n");
      std::this_thread::sleep_for(20ms);
    }
  });
  const auto got = drips.hear();
  stop = true;
  dripping.join();
  EXPECT_EQ(got.status, 408);
  EXPECT_LT(clock::now() - before, 3s);
  EXPECT_EQ(site->stats().timeouts, 1u);
}

TEST_F(front_limits_test, a_soft_limit_of_open_files_does_not_cost_connections_that_the_hard_one_allows) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  if (before.rlim_max < 4000)
    GTEST_SKIP() << "this machine allows " << before.rlim_max << " open files at most";
  const rlimit low{1024, before.rlim_max}; // a shell's
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  config.limits.connections_max = 3000;
  open();
  EXPECT_EQ(site->connections_max(), 3000u);
  rlimit now{};
  getrlimit(RLIMIT_NOFILE, &now);
  EXPECT_GT(now.rlim_cur, 3000u);
  EXPECT_LE(now.rlim_cur, 4000u) << "no more than is needed";
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(front_limits_test, connections_are_no_more_than_the_hard_limit_of_open_files_allows) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  if (before.rlim_max > 100'000'000)
    GTEST_SKIP() << "there is no limit here";
  config.limits.connections_max = static_cast<std::size_t>(before.rlim_max) + 1;
  open();
  EXPECT_LT(site->connections_max(), static_cast<std::size_t>(before.rlim_max));
  setrlimit(RLIMIT_NOFILE, &before);
}

TEST_F(front_limits_test, each_header_has_its_own_time) {
  config.limits.header = 3s;
  open();
  client one(address());
  for (int i = 0; i < 4; ++i) {
    one.say("GET /plain/a HTTP/1.1\r\n");
    std::this_thread::sleep_for(1s); // what is tested is time: more than one header's over all
    one.say("Host: a\r\n\r\nGET /");
    EXPECT_EQ(one.hear().status, 200) << i;
    one.say("plain/a HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(one.hear().status, 200) << i;
  }
}

TEST_F(front_limits_test, fields_may_have_as_many_bytes_as_is_configured) {
  config.limits.header_bytes = 2048;
  open();
  client one(address());
  const auto asks = [&](std::size_t bytes) {
    one.get("/plain/a", "X-Long: " + std::string(bytes, 'x') + "\r\n");
    return one.hear().status;
  };
  EXPECT_EQ(asks(1500), 200);
  EXPECT_EQ(asks(1500), 200) << "on the same connection, too";
  EXPECT_EQ(asks(2100), 431);
}

TEST_F(front_limits_test, fields_may_have_more_bytes_than_by_default_where_that_is_configured) {
  config.limits.header_bytes = 60 * 1024;
  open();
  std::string fields;
  for (int i = 0; i < 6; ++i)
    fields += "X-" + std::to_string(i) + ": " + std::string(8000, 'x') + "\r\n";
  EXPECT_EQ(get("/plain/a", fields).status, 200);
}

TEST_F(front_limits_test, an_idle_connection_ends_in_order) {
  config.limits.idle = 300ms;
  open();
  client one(address());
  one.get("/plain/a");
  one.hear();
  EXPECT_TRUE(one.is_over());
  EXPECT_TRUE(client(address()).is_over()) << "one that never said anything, too";
  EXPECT_TRUE(eventually([&] { return site->stats().open == 0; }));
}

TEST_F(front_limits_test, a_crowd_shortens_the_patience_with_the_idle) {
  config.limits.connections_max = 10;
  config.limits.idle_crowded = 300ms;
  open();
  std::vector<std::unique_ptr<client>> all;
  for (int i = 0; i < 10; ++i) {
    all.push_back(std::make_unique<client>(address()));
    if (i >= 8)
      all.back()->say("GET / HT"); // these two are not idle
    ASSERT_TRUE(eventually([&] { return site->stats().accepted == static_cast<std::uint64_t>(i) + 1; }));
  }
  const auto before = clock::now();
  EXPECT_TRUE(eventually([&] { return site->stats().open <= 8; }));
  EXPECT_LT(clock::now() - before, 5s) << "thirty seconds would be the patience without a crowd";
}

TEST_F(front_limits_test, too_many_connections_are_told_503) {
  config.limits.connections_max = 3;
  config.limits.idle_crowded = 5s;
  open();
  std::vector<std::unique_ptr<client>> all;
  for (int i = 0; i < 3; ++i) {
    all.push_back(std::make_unique<client>(address()));
    all.back()->get("/plain/a");
    EXPECT_EQ(all.back()->hear().status, 200);
  }
  client excess(address());
  const auto got = excess.hear();
  EXPECT_EQ(got.status, 503);
  EXPECT_EQ(got.field("Retry-After"), "1");
  all.pop_back();
  EXPECT_TRUE(eventually([&] { return site->stats().open == 2; }));
  EXPECT_EQ(get("/plain/a").status, 200) << "a place that was left is free";
  EXPECT_EQ(site->stats().refused_crowded, 1u);
}

TEST_F(front_limits_test, one_address_has_its_share) {
  config.limits.connections_an_address = 2;
  config.limits.loopback_exempt = false;
  open();
  {
    client one(address()), two(address());
    EXPECT_EQ(one.get("/plain/a").hear().status, 200);
    EXPECT_EQ(two.get("/plain/a").hear().status, 200);
    EXPECT_EQ(client(address()).hear().status, 503);
    EXPECT_EQ(site->stats().refused_address, 1u);
  }
  EXPECT_TRUE(eventually([&] { return site->stats().open == 0; }));
  EXPECT_EQ(get("/plain/a").status, 200);
}

TEST_F(front_limits_test, loopback_is_exempt_by_default) {
  config.limits.connections_an_address = 2;
  open();
  client one(address()), two(address()), three(address());
  EXPECT_EQ(three.get("/plain/a").hear().status, 200);
}

TEST_F(front_limits_test, a_connection_has_so_many_requests) {
  config.limits.requests_a_connection = 3;
  pages.put("/ready", ready_page("ready"));
  open();
  client one(address());
  one.get("/ready").get("/plain/a").get("/ready"); // one more could meet a closed socket, and be reset
  EXPECT_EQ(one.hear().field("Connection"), "");
  EXPECT_EQ(one.hear().field("Connection"), "");
  EXPECT_EQ(one.hear().field("Connection"), "close");
  EXPECT_TRUE(one.is_over());
}

TEST_F(front_limits_test, a_body_that_drips_is_ended) {
  config.limits.body_grace = 500ms;
  open();
  client one(address());
  one.say("POST /plain/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nab");
  EXPECT_EQ(one.hear().status, 408);
  EXPECT_TRUE(one.is_over());
  EXPECT_EQ(way_in.entered, 0);
}

TEST_F(front_limits_test, a_body_has_a_total_time) {
  config.limits.body = 500ms;
  config.limits.body_rate_min = 0;
  open();
  client one(address());
  one.say("POST /plain/a HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nab");
  EXPECT_EQ(one.hear().status, 408);
}

TEST_F(front_limits_test, a_reader_that_takes_nothing_is_ended) {
  config.limits.write = 300ms;
  pages.put("/large", ready_page(std::string(8'000'000, 'x')));
  open();
  client one(address(), 4096);
  one.get("/large");
  EXPECT_TRUE(eventually([&] { return site->stats().timeouts == 1 && site->stats().open == 0; }));
}

TEST_F(front_limits_test, disarmed_loops_leave_new_connections_waiting) {
  open();
  client before(address());
  EXPECT_EQ(before.get("/plain/a").hear().status, 200);
  site->disarm(0);
  ASSERT_TRUE(eventually([&] { return !site->vitals().at(0).armed; }));
  client waits(address());
  waits.get("/plain/b");
  EXPECT_EQ(before.get("/plain/a").hear().status, 200) << "those that are open go on";
  EXPECT_EQ(site->stats().accepted, 1u);
  site->arm(0);
  EXPECT_EQ(waits.hear().body, "plain:/plain/b") << "none was lost";
}

TEST_F(front_limits_test, draining_answers_what_is_in_flight_and_says_goodbye) {
  std::promise<job_ptr> taken;
  way_in.instead = [&](const job_ptr& what) { taken.set_value(what); };
  pages.put("/ready", ready_page("ready"));
  open();
  client busy(address()), idle(address()), silent(address());
  busy.get("/plain/a");
  auto held = taken.get_future().get();
  EXPECT_EQ(idle.get("/ready").hear().field("Connection"), "");
  EXPECT_EQ(silent.get("/ready").hear().status, 200);

  auto drained = std::async(std::launch::async, [&] { return site->drain(8s); });
  ASSERT_TRUE(eventually([&] { return site->draining() && !site->vitals().at(0).armed; }));
  EXPECT_EQ(idle.get("/ready").hear().field("Connection"), "close");
  EXPECT_TRUE(silent.is_over());
  open_door::run(held);
  held.reset();
  const auto last = busy.hear();
  EXPECT_EQ(last.body, "plain:/plain/a");
  EXPECT_EQ(last.field("Connection"), "close");
  EXPECT_TRUE(drained.get());
}

TEST_F(front_limits_test, a_drain_that_cannot_end_is_cut_and_late_answers_do_no_harm) {
  std::promise<job_ptr> taken;
  way_in.instead = [&](const job_ptr& what) { taken.set_value(what); };
  open();
  client busy(address());
  busy.get("/plain/a");
  auto held = taken.get_future().get();
  EXPECT_FALSE(site->drain(100ms));
  site.reset();
  EXPECT_EQ(busy.hear().status, 0);
  open_door::run(held); // the front is gone
}

TEST_F(front_limits_test, a_stopped_front_has_let_go_of_everyone) {
  open();
  std::vector<std::unique_ptr<client>> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(std::make_unique<client>(address()));
    all.back()->say("GET / HT");
  }
  ASSERT_TRUE(eventually([&] { return site->stats().open == 50; }));
  site->stop();
  site->stop();
  EXPECT_EQ(site->stats().open, 0u);
  EXPECT_FALSE(site->vitals().at(0).running);
}

TEST_F(front_limits_test, a_loop_shows_that_it_turns) {
  open();
  ASSERT_TRUE(eventually([&] { return site->vitals().at(0).last_turn_us != 0; }));
  const auto before = site->vitals().at(0).last_turn_us;
  EXPECT_TRUE(eventually([&] { return site->vitals().at(0).last_turn_us > before; }));
}

} // namespace
} // namespace lyceum::http::testing
