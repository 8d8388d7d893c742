// SPDX-License-Identifier: Apache-2.0
// What the console says, without a server.
#include "ops/console_frame.hpp"
#include "ops/console_impact.hpp"
#include "ops/console_state.hpp"
#include "ops/log_tail.hpp"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lyceum {
namespace {

using namespace std::chrono_literals;
using supervision::node_kind;
using supervision::node_state;
using supervision::node_view;
using supervision::strategy;
using ::testing::HasSubstr;
using ::testing::Not;

node_view node(std::string path, node_state state = node_state::running, node_kind kind = node_kind::worker) {
  node_view n;
  n.path = std::move(path);
  n.parent = n.path == "site"                        ? ""
             : n.path.find('/') == std::string::npos ? "site"
                                                     : n.path.substr(0, n.path.rfind('/'));
  n.kind = kind;
  n.state = state;
  n.generation = 1;
  n.budget = 5;
  n.period = 30s;
  n.uptime = state == node_state::running ? 90s : 0s;
  n.last_exit = state == node_state::stopped ? "shutdown" : "";
  return n;
}

console_sample sample(std::vector<node_view> nodes = {}) {
  console_sample now;
  now.at = std::chrono::steady_clock::time_point(1000s);
  now.wall = std::chrono::system_clock::time_point(1'795'500'000s);
  now.nodes = std::move(nodes);
  now.site.up = true;
  now.site.database = true;
  now.site.pages = 10;
  return now;
}

TEST(console_state_test, what_is_well_is_silent) {
  auto idle = node("content/watcher", node_state::stopped);
  idle.last_exit.clear(); // there was nothing for it to do
  const auto now = sample({node("site", node_state::running, node_kind::supervisor), node("cache"), idle});
  EXPECT_TRUE(troubles_of(now).empty());
  const auto view = console_memory().view(now);
  EXPECT_EQ(view.tone, "well");
  EXPECT_EQ(view.headline, "Everything is serving");
  EXPECT_EQ(view.nodes.at(2).state, "idle");
  EXPECT_EQ(view.nodes.at(1).restarts_text, "0 of 5");
}

TEST(console_state_test, a_degraded_part_says_what_learners_notice_and_what_to_do) {
  auto mail = node("mail", node_state::degraded, node_kind::supervisor);
  mail.note = "letters wait";
  mail.retry_in = 4s;
  const auto now = sample({mail, node("mail/smtp-1", node_state::down)});
  const auto all = troubles_of(now);
  ASSERT_EQ(all.size(), 1u) << "of a subtree only the topmost";
  EXPECT_EQ(all[0].what, "degraded; again in 4 s");
  EXPECT_EQ(all[0].learners, "letters wait");
  EXPECT_THAT(all[0].remedy, HasSubstr("tried again by itself"));
  EXPECT_EQ(console_memory().view(now).headline, "Serving, but mail is degraded");
  EXPECT_EQ(console_memory().view(now).tone, "wrong");
}

TEST(console_state_test, what_is_away_with_what_is_above_it_is_quiet_and_has_no_command) {
  const auto view = console_memory().view(sample({node("mail", node_state::stopped, node_kind::supervisor),
                                                  node("mail/smtp-1", node_state::stopped), node("cache")}));
  EXPECT_EQ(view.nodes.at(0).tone, "passing");
  EXPECT_FALSE(view.nodes.at(0).under);
  EXPECT_EQ(view.nodes.at(1).tone, "quiet");
  EXPECT_TRUE(view.nodes.at(1).under);
  EXPECT_FALSE(view.nodes.at(2).under);
}

TEST(console_state_test, the_gravest_is_in_the_headline_and_the_rest_is_counted) {
  const auto now = sample({node("cache", node_state::suspended), node("mail", node_state::degraded)});
  EXPECT_EQ(console_memory().view(now).headline, "Serving, but mail is degraded, and 1 more");
}

TEST(console_state_test, what_runs_and_is_stuck_is_told_by_what_is_wrong_with_it) {
  auto stuck = node("render/worker-1");
  stuck.busy = 7s;
  EXPECT_EQ(console_memory().view(sample({stuck})).headline, "Serving, but render/worker-1: in one handler for 7 s");
}

TEST(console_state_test, an_outage_is_told_by_what_still_works) {
  auto now = sample();
  now.site.database = false;
  EXPECT_EQ(console_memory().view(now).headline, "Serving, but database is away");
  now.site.pages = 0;
  EXPECT_EQ(console_memory().view(now).headline, "Not serving: the database is away and no page is kept");
  now.site.up = false;
  EXPECT_EQ(console_memory().view(now).headline, "Starting");
  now = sample();
  now.pool_alive = false;
  EXPECT_EQ(console_memory().view(now).tone, "wrong");
  now.site.draining = true;
  EXPECT_THAT(console_memory().view(now).headline, HasSubstr("Draining"));
}

TEST(console_state_test, a_state_has_a_tone) {
  EXPECT_EQ(tone_of(node("a")), "well");
  for (const auto passing :
       {node_state::starting, node_state::restarting, node_state::stopping, node_state::suspended, node_state::stopped})
    EXPECT_EQ(tone_of(node("a", passing)), "passing") << name_of(passing);
  for (const auto wrong : {node_state::degraded, node_state::down})
    EXPECT_EQ(tone_of(node("a", wrong)), "wrong") << name_of(wrong);
  auto busy = node("a");
  busy.busy = 3s;
  EXPECT_EQ(tone_of(busy), "passing");
}

TEST(console_state_test, it_remembers_since_when_and_who_was_started_again) {
  console_memory memory;
  auto now = sample({node("cache")});
  memory.remember(now);
  now.at += 60s;
  now.wall += 60s;
  now.nodes[0].generation = 2;
  memory.remember(now);
  EXPECT_THAT(memory.view(now).since, HasSubstr("60 s; last started again: cache, 1 s ago"));
  now.nodes[0].state = node_state::degraded;
  memory.remember(now);
  EXPECT_THAT(memory.view(now).since, HasSubstr("UTC, 1 s")) << "another state has another beginning";
}

TEST(console_state_test, rates_are_of_the_last_seconds) {
  console_memory memory;
  auto now = sample();
  memory.remember(now);
  now.at += 2s;
  now.traffic.requests = 500;
  memory.remember(now);
  const auto figures = memory.view(now).figures;
  EXPECT_EQ(figures.at(0).id, "requests");
  EXPECT_EQ(figures.at(0).value, "250");
}

TEST(console_state_test, curves_have_a_point_each_four_seconds_and_an_end) {
  console_memory memory;
  auto now = sample({node("web", node_state::running, node_kind::supervisor)});
  EXPECT_TRUE(memory.remember(now));
  now.at += 1s;
  EXPECT_FALSE(memory.remember(now));
  for (std::size_t i = 0; i < console_memory::points_max + 10; ++i) {
    now.at += 4s;
    now.traffic.requests += i;
    EXPECT_TRUE(memory.remember(now));
  }
  const auto curve = memory.view(now).nodes.at(0).spark;
  EXPECT_EQ(curve.size(), console_memory::points_max);
  EXPECT_EQ(curve.back(), console_memory::points_max + 9);
}

TEST(console_state_test, a_curve_is_drawn_from_edge_to_edge) {
  EXPECT_EQ(views::spark_points({0, 5, 10}, 100, 20), "0,19 50,10 100,1");
  EXPECT_EQ(views::spark_points({0, 0}, 100, 20), "0,19 100,19");
  EXPECT_EQ(views::spark_points({7}, 100, 20), "");
  EXPECT_EQ(views::mailbox_width(0, 48), 0);
  EXPECT_GT(views::mailbox_width(1, 48), 0);
  EXPECT_EQ(views::mailbox_width(1'000'000, 48), 48);
}

// ---- frames

views::console_view full_view() {
  auto now = sample();
  for (int i = 0; i < 500; ++i) {
    now.nodes.push_back(node("storage/db-" + std::to_string(i)));
    now.nodes.back().last_exit = std::string(5000, 'x');
    now.nodes.back().note = std::string(200, 'y');
    supervision::crash c;
    c.path = "a/b";
    c.kind = "crash";
    c.reason = c.last_message = std::string(4096, '"');
    now.crashes.push_back(c);
    now.log.push_back(std::string(300, '\x01'));
  }
  return console_memory().view(now);
}

boost::json::object parsed(const http::frame_ptr& frame) {
  EXPECT_TRUE(frame->starts_with("data: ") && frame->ends_with("}\n\n"));
  EXPECT_EQ(frame->find('\n'), frame->size() - 2) << "one line";
  return boost::json::parse(frame->substr(6)).as_object();
}

TEST(console_frame_test, a_change_leaves_out_what_is_as_it_was) {
  console_frames frames;
  auto view = console_memory().view(sample({node("cache", node_state::running, node_kind::supervisor)}));
  view.log = {"14:00:00  one"};
  auto made = frames.make(view, "14:00:01", false);
  EXPECT_TRUE(parsed(made.change).contains("log")) << "the first one has told nothing before";
  made = frames.make(view, "14:00:02", false);
  EXPECT_FALSE(parsed(made.change).contains("log"));
  EXPECT_TRUE(parsed(made.whole).contains("log"));
  EXPECT_FALSE(parsed(made.change).at("nodes").at(0).as_object().contains("spark"));
  EXPECT_TRUE(parsed(made.whole).at("nodes").at(0).as_object().contains("spark"));
  view.log.emplace_back("14:00:02  two");
  made = frames.make(view, "14:00:03", false);
  EXPECT_EQ(parsed(made.change).at("log").as_array().size(), 2u);
}

TEST(console_frame_test, a_frame_has_its_bound_whatever_happens) {
  const auto made = console_frames().make(full_view(), "14:00:01", true);
  EXPECT_LE(made.whole->size(), http::broadcast::buffer_bytes_max);
  EXPECT_LE(made.change->size(), http::broadcast::buffer_bytes_max);
  parsed(made.whole);
}

// ---- questions

class console_impact_test : public ::testing::Test {
protected:
  supervision::registry states;

  void add(std::string path, node_kind kind, std::string note = {}, strategy how = strategy::one_for_one) {
    supervision::registry::entry e;
    e.path = path;
    e.parent = path == "site" ? "" : path.find('/') == std::string::npos ? "site" : path.substr(0, path.rfind('/'));
    e.kind = kind;
    e.strategy = how;
    e.note = std::move(note);
    states.add(std::move(e));
    states.begin_life(path);
    states.set(path, node_state::running);
  }
  void SetUp() override {
    add("site", node_kind::supervisor);
    add("content", node_kind::supervisor, "what authors save is live later", strategy::rest_for_one);
    add("content/importer", node_kind::worker);
    add("content/watcher", node_kind::worker);
    add("control", node_kind::supervisor);
    add("control/socket", node_kind::worker);
  }
  std::string fact(const std::string& path, const std::string& op, const std::string& label) {
    const auto what = console_impact(states, path, op);
    if (what)
      for (const auto& [name, value] : what->facts)
        if (name == label)
          return value;
    return "(none)";
  }
};

TEST_F(console_impact_test, a_command_says_what_it_touches) {
  EXPECT_EQ(fact("content", "restart", "Touched"), "content and 2 below it");
  EXPECT_EQ(fact("content/importer", "restart", "Touched"), "content/importer; with it: content/watcher");
  EXPECT_EQ(fact("content/watcher", "restart", "Touched"), "content/watcher") << "what began before it stays";
  EXPECT_EQ(fact("content/importer", "stop", "Touched"), "content/importer");
  EXPECT_EQ(fact("content/importer", "kill", "Learners notice"), "what authors save is live later")
      << "of what is above";
}

TEST_F(console_impact_test, a_command_says_what_waits) {
  auto life = std::make_shared<supervision::vitals>("content/importer", 1);
  life->arrived = 3;
  states.attach("content/importer", life);
  EXPECT_THAT(fact("content/importer", "suspend", "Waiting"), HasSubstr("3 messages, kept in order"));
  EXPECT_THAT(fact("content", "stop", "Waiting"), HasSubstr("3 messages: they are lost"));
  EXPECT_THAT(fact("content", "restart", "Waiting"), HasSubstr("put again"));
  EXPECT_EQ(fact("content/watcher", "restart", "Waiting"), "nothing");
}

TEST_F(console_impact_test, what_destroys_asks_for_the_name) {
  EXPECT_TRUE(console_impact(states, "content", "stop")->named);
  EXPECT_TRUE(console_impact(states, "content/importer", "stop")->named);
  EXPECT_TRUE(console_impact(states, "content", "kill")->named);
  EXPECT_FALSE(console_impact(states, "content/importer", "kill")->named);
  EXPECT_FALSE(console_impact(states, "content", "restart")->named);
}

TEST_F(console_impact_test, nobody_locks_themselves_out) {
  for (const char* op : {"stop", "suspend"})
    EXPECT_NE(console_impact(states, "control/socket", op)->refused, "") << op;
  EXPECT_EQ(console_impact(states, "control", "restart")->refused, "");
  for (const char* op : {"restart", "stop", "kill", "suspend", "start", "resume"})
    EXPECT_NE(console_impact(states, "site", op)->refused, "") << op;
}

TEST_F(console_impact_test, only_what_makes_sense_is_offered) {
  const auto ops = [&](const char* path) {
    std::string all;
    for (const auto& [op, word] : console_commands(states, path))
      all += op + " ";
    return all;
  };
  EXPECT_EQ(ops("content/importer"), "restart suspend kill stop ");
  EXPECT_EQ(ops("content"), "restart kill stop ");
  EXPECT_EQ(ops("control/socket"), "restart kill ");
  states.set("content", node_state::stopped);
  states.set("content/importer", node_state::down);
  EXPECT_EQ(ops("content"), "start kill ");
  EXPECT_EQ(ops("content/importer"), "");
  EXPECT_EQ(ops("nowhere"), "");
}

TEST_F(console_impact_test, there_is_no_question_about_nothing) {
  EXPECT_FALSE(console_impact(states, "nowhere", "restart"));
  EXPECT_FALSE(console_impact(states, "", "restart"));
  EXPECT_FALSE(console_impact(states, "content", "remove"));
}

// ---- the log's end

TEST(log_tail_test, the_last_lines_are_kept_and_none_is_endless) {
  log_tail tail;
  for (std::size_t i = 0; i < 200; ++i)
    tail.add("line " + std::to_string(i));
  const auto lines = tail.lines();
  EXPECT_EQ(lines.size(), log_tail::lines_max);
  EXPECT_THAT(lines.back(), HasSubstr("  line 199"));
  tail.add(std::string(10'000, 'x'));
  EXPECT_LT(tail.lines().back().size(), log_tail::line_bytes_max + 20);
  EXPECT_EQ(shortened("größe", 4), "gr\xC3\xB6…") << "cut between characters";
  EXPECT_EQ(shortened("größe", 3), "gr…");
}

} // namespace
} // namespace lyceum
