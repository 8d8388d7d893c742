// SPDX-License-Identifier: Apache-2.0
// A hundred clients on one cold page cause one render.
#include "tests/site/server.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <latch>
#include <memory>
#include <set>
#include <thread>

namespace lyceum::testing {
namespace {

constexpr int clients = 100;

struct single_flight : ::testing::Test {
  server school{{.content = sample_school()}};
  std::string lesson;

  void SetUp() override {
    ASSERT_TRUE(school.ready()) << school.log();
    ASSERT_TRUE(eventually(
        [&] {
          return school.ctl({"inspect", "content/importer"}).out.find("rests") != std::string::npos;
        },
        30s));
    ASSERT_EQ(school.ctl({"stop", "cache/warmer"}).status, 0); // it would make pages by itself
    const auto map = school.get("/sitemap.xml").body;
    for (auto at = map.find("<loc>"); at != std::string::npos && lesson.empty(); at = map.find("<loc>", at + 1)) {
      auto address = map.substr(at + 5, map.find("</loc>", at) - at - 5);
      address.erase(0, address.find("/courses/"));
      if (address.find('/', 9) != std::string::npos)
        lesson = address;
    }
    ASSERT_FALSE(lesson.empty()) << map;
    ASSERT_EQ(school.get(lesson).status, 200) << lesson;
  }

  long metric(const std::string& name) const {
    const auto text = school.get("/metrics").body;
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::atol(text.c_str() + at + name.size() + 2);
  }

  /// Every one of them at the same moment, on a connection that is open already. What they got.
  std::multiset<std::string> ask_all(const std::vector<std::string>& paths) {
    std::vector<std::string> bodies(clients);
    std::latch ready(clients);
    std::vector<std::thread> people;
    for (std::size_t i = 0; i < clients; ++i)
      people.emplace_back([&, i] {
        client one(school.port());
        one.open();
        ready.arrive_and_wait();
        auto got = one.get(paths[i % paths.size()]);
        bodies[i] = got.status == 200 ? std::move(got.body) : std::to_string(got.status);
      });
    for (auto& one : people)
      one.join();
    return {bodies.begin(), bodies.end()};
  }

  void make_cold() {
    for (const auto& path : {lesson, std::string("/courses")}) {
      const auto gone = [&] {
        school.ctl({"cache", "evict", path});
        return school.ctl({"cache", "show", path}).status != 0;
      };
      ASSERT_TRUE(eventually(gone)) << path;
    }
    ASSERT_TRUE(eventually([&] { return metric("lyceum_sessions") == 0; })); // what the warmer had begun is over
  }
};

TEST_F(single_flight, a_hundred_clients_of_a_cold_page_cost_one_session) {
  make_cold();
  const auto before = metric("lyceum_sessions_total");
  ASSERT_GE(before, 0);
  const auto bodies = ask_all({lesson});
  EXPECT_EQ(bodies.count(*bodies.begin()), std::size_t{clients}) << "they did not all get the same page";
  EXPECT_GT(bodies.begin()->size(), 1000u) << *bodies.begin();
  EXPECT_EQ(metric("lyceum_sessions_total") - before, 1);
}

TEST_F(single_flight, other_ways_to_write_one_address_share_it_too) {
  make_cold();
  const auto before = metric("lyceum_sessions_total");
  ask_all({lesson, lesson + "?unknown=1", lesson + "?"});
  EXPECT_EQ(metric("lyceum_sessions_total") - before, 1);
}

TEST_F(single_flight, pages_that_differ_cost_a_session_each) {
  make_cold();
  const auto before = metric("lyceum_sessions_total");
  ask_all({lesson, "/courses"});
  EXPECT_EQ(metric("lyceum_sessions_total") - before, 2);
}

} // namespace
} // namespace lyceum::testing
