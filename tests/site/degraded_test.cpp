// SPDX-License-Identifier: Apache-2.0
// What each subsystem declares for the time that it is away, seen over HTTP.
#include "tests/site/visitors.hpp"

#include <gtest/gtest.h>

#include <future>

namespace lyceum::testing {
namespace {

constexpr auto cold = "/courses/let-it-crash/no-such-lesson"; // never kept: every answer asks the database
constexpr auto lesson = "/courses/let-it-crash/the-budget";

struct degraded : ::testing::Test {
  scratch place;
  fs::path folder = place / "school";
  std::optional<server> school;

  void SetUp() override {
    fs::copy(sample_school(), folder, fs::copy_options::recursive);
    school.emplace(server::options{.content = folder});
    ASSERT_TRUE(school->ready()) << school->log();
    for (const auto* path : {"/", "/courses", lesson})
      ASSERT_TRUE(eventually([&] { return school->get(path).status == 200; }, 20s)) << path;
    ASSERT_TRUE(eventually([&] { return school->get(cold).status == 404; }, 20s));
    ASSERT_TRUE(eventually(
        [&] {
          return school->ctl({"inspect", "content/importer"}).out.find("rests") != std::string::npos;
        },
        30s));
  }
  /// Degrades it, and looks whether everybody who can be asked says so, with what is declared.
  void degrade(const std::string& part, const std::string& declared) {
    const auto done = school->ctl({"degrade", part});
    ASSERT_EQ(done.status, 0) << done.err;
    const auto health = school->ctl({"--json", "health"}).out;
    EXPECT_NE(health.find("\"" + part + "\""), std::string::npos) << health;
    EXPECT_NE(health.find(declared), std::string::npos) << health;
  }
  void told_over_http(const answer& ready, const std::string& part, const std::string& declared) {
    EXPECT_EQ(ready.status, 200) << "it serves";
    const auto at = ready.body.find("\"degraded\":[{\"path\":\"" + part + "\",\"state\":\"degraded\"");
    EXPECT_NE(at, std::string::npos) << ready.body;
    EXPECT_NE(ready.body.find(declared), std::string::npos) << ready.body;
  }
  void undegrade(const std::string& part) {
    ASSERT_EQ(school->ctl({"undegrade", part}).status, 0);
    EXPECT_TRUE(eventually([&] { return school->ctl({"wait", part, "--timeout", "1"}).status == 0; }, 20s));
    EXPECT_TRUE(eventually([&] { return school->get(cold).status == 404; }, 20s));
    EXPECT_NE(school->get("/readyz").body.find("\"degraded\":[]"), std::string::npos) << school->get("/readyz").body;
  }
  void kept_pages_are_served() {
    for (const auto* path : {"/", "/courses", lesson})
      EXPECT_EQ(school->get(path).status, 200) << path;
  }
  void cold_pages_are_refused_politely() {
    const auto got = school->get(cold);
    EXPECT_EQ(got.status, 503);
    EXPECT_FALSE(got.field("Retry-After").empty()) << got.head;
  }
  void add_to_the_lesson(const std::string& words) const {
    const auto file = folder / "courses/let-it-crash/04-the-budget.md";
    write_file(file, read_file(file) + "\n\n" + words + "\n");
  }
  bool shows(const std::string& words) const { return school->get(lesson).body.find(words) != std::string::npos; }
  double processor_time() const { return school->metric("process_cpu_seconds_total").value_or(-1); }
};

TEST_F(degraded, telemetry_costs_figures) {
  const std::string declared = "nothing: figures stand still";
  degrade("telemetry", declared);
  told_over_http(school->get("/readyz"), "telemetry", declared);
  kept_pages_are_served();
  EXPECT_EQ(school->get(cold).status, 404) << "everything else works";
  const auto then = processor_time();
  EXPECT_GE(then, 0) << "the figures are there";
  for (int i = 0; i < 200; ++i)
    school->get(cold);
  EXPECT_EQ(processor_time(), then) << "and stand still";
  undegrade("telemetry");
  EXPECT_TRUE(eventually([&] { return processor_time() > then; }, 20s));
}

TEST_F(degraded, storage_leaves_the_kept_pages) {
  const std::string declared = "pages that are kept are served; others answer 503";
  degrade("storage", declared);
  told_over_http(school->get("/readyz"), "storage", declared);
  kept_pages_are_served();
  cold_pages_are_refused_politely();
  undegrade("storage");
}

TEST_F(degraded, cache_delays_evictions_and_nothing_else) {
  const std::string declared = "nothing: the table is read without it; evictions wait";
  degrade("cache", declared);
  told_over_http(school->get("/readyz"), "cache", declared);
  kept_pages_are_served();
  EXPECT_EQ(school->get(cold).status, 404);
  EXPECT_EQ(school->get("/articles").status, 200) << "a page that was not kept is made";
  add_to_the_lesson("Words that came meanwhile.");
  EXPECT_TRUE(eventually([&] { return school->log().find("1 changed") != std::string::npos; }, 20s)) << school->log();
  EXPECT_FALSE(shows("Words that came meanwhile.")) << "evictions wait";
  undegrade("cache");
  EXPECT_TRUE(eventually([&] { return shows("Words that came meanwhile."); }, 20s)) << "and come";
}

TEST_F(degraded, rendering_leaves_the_old_texts_and_costs_no_loop) {
  const std::string declared = "texts that are new wait; code stays plain";
  degrade("rendering", declared);
  told_over_http(school->get("/readyz"), "rendering", declared);
  kept_pages_are_served();
  EXPECT_EQ(school->get(cold).status, 404);
  add_to_the_lesson("Words that wait for a renderer.");
  EXPECT_TRUE(eventually([&] { return school->log().find("1 changed") != std::string::npos; }, 20s)) << school->log();
  const auto before = school->metric("lyceum_child_messages_total{path=\"content/importer\"}").value_or(0);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(school->get(lesson).status, 200) << "the old one";
    std::this_thread::sleep_for(50ms);
  }
  EXPECT_FALSE(shows("Words that wait for a renderer."));
  const auto after = school->metric("lyceum_child_messages_total{path=\"content/importer\"}").value_or(0);
  EXPECT_LT(after - before, 100) << "whoever waits for renderers waits, and does not ask for ever";
  undegrade("rendering");
  EXPECT_TRUE(eventually([&] { return shows("Words that wait for a renderer."); }, 20s)) << school->log();
}

TEST_F(degraded, content_makes_authors_wait) {
  const std::string declared = "nothing: what authors save is live later";
  degrade("content", declared);
  told_over_http(school->get("/readyz"), "content", declared);
  kept_pages_are_served();
  EXPECT_EQ(school->get(cold).status, 404);
  add_to_the_lesson("Words that are live later.");
  undegrade("content");
  EXPECT_TRUE(eventually([&] { return shows("Words that are live later."); }, 20s)) << school->log();
}

TEST_F(degraded, sessions_leave_the_kept_pages) {
  const std::string declared = "requests that were being handled answer 503; kept pages are served";
  degrade("sessions", declared);
  told_over_http(school->get("/readyz"), "sessions", declared);
  kept_pages_are_served();
  cold_pages_are_refused_politely();
  undegrade("sessions");
}

TEST_F(degraded, web_serves_those_who_are_there_and_lets_others_wait) {
  const std::string declared = "stopped, nobody new is accepted";
  client there(school->port());
  ASSERT_EQ(there.get("/").status, 200);
  degrade("web", declared);
  EXPECT_EQ(there.get("/courses").status, 200);
  told_over_http(there.get("/readyz"), "web", declared);
  std::atomic<int> status = -1;
  std::thread late([&] { status = client(school->port()).get("/").status; });
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(there.get("/").status, 200);
  EXPECT_EQ(status, -1) << "it waits in the kernel's queue";
  undegrade("web");
  late.join();
  EXPECT_EQ(status, 200) << "nobody was refused";
}

TEST_F(degraded, control_cannot_be_degraded_since_nobody_could_end_it) {
  const auto refused = school->ctl({"degrade", "control"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find("lock you out"), std::string::npos) << refused.err;
}

TEST_F(degraded, the_tree_counts_messages_and_cpu_of_each_child) {
  for (int i = 0; i < 50; ++i)
    school->get(cold);
  const auto tree = school->ctl({"--json", "tree"}).out;
  EXPECT_NE(tree.find("\"handled\":"), std::string::npos);
  EXPECT_NE(tree.find("\"cpu_ms\":"), std::string::npos);
  EXPECT_GE(school->metric("lyceum_child_messages_total{path=\"storage/db_pool\"}").value_or(0), 50);
  EXPECT_GE(school->metric("lyceum_child_messages_total{path=\"sessions\"}").value_or(0), 50);
  double cpu = 0;
  for (const auto* path : {"storage/db-1", "storage/db-2", "content/importer", "rendering/renderer-1"})
    cpu += school->metric(std::string("lyceum_child_cpu_seconds_total{path=\"") + path + "\"}").value_or(0);
  EXPECT_GT(cpu, 0);
}

TEST_F(degraded, the_operator_is_served_while_http_is_the_broken_part) {
  const auto told = [&](std::vector<std::string> words) {
    const auto done = school->ctl(words);
    EXPECT_EQ(done.status, 0) << words.front() << ": " << done.err;
    return done.out;
  };
  told({"--yes", "stop", "web"});
  EXPECT_NE(told({"health"}).find("web: stopped"), std::string::npos);
  EXPECT_NE(told({"tree"}).find("listener-1"), std::string::npos);
  EXPECT_NE(told({"inspect", "cache/page_cache"}).find("page"), std::string::npos);
  EXPECT_NE(told({"--yes", "restart", "cache"}).find("generation 2"), std::string::npos);
  told({"crashes"});
  told({"console"});
  // No sooner: whoever is not answered gives up after 10 s.
  auto visitor = std::async(std::launch::async, [&] { return school->get(lesson); });
  EXPECT_EQ(visitor.wait_for(300ms), std::future_status::timeout) << "nobody listens; the kernel keeps the connection";
  told({"start", "web"});
  EXPECT_EQ(visitor.get().status, 200) << "who came meanwhile";
}

} // namespace
} // namespace lyceum::testing
