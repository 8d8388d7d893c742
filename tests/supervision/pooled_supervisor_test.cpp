// SPDX-License-Identifier: Apache-2.0
// Supervisors that share the pool's threads with their children.
#include "tests/supervision/tree_fixture.hpp"

namespace {

struct pooled_supervisor : tree_test {
  void grow_guarded(sup_flags flags) {
    flags.pooled = true;
    grow({.strategy = strategy::one_for_one, .intensity = 5, .period = 30s},
         {supervisor({.id = "guard"}, flags, {obeying("a"), obeying("b")})});
  }
};

TEST_F(pooled_supervisor, has_no_thread_of_its_own_and_restarts_what_crashes) {
  grow_guarded({.intensity = 3, .period = 30s});
  crash("guard/a");
  EXPECT_TRUE(reaches("guard/a", 2));
  EXPECT_EQ(echo("guard/a", 7), 702);
  EXPECT_EQ(node("guard/b").generation, 1u);
  EXPECT_EQ(node("guard").generation, 1u);
}

TEST_F(pooled_supervisor, gives_up_upwards_when_its_budget_is_spent) {
  grow_guarded({.intensity = 0, .period = 30s});
  crash("guard/a");
  EXPECT_TRUE(reaches("guard", 2));
  EXPECT_TRUE(reaches("guard/a", 2));
  EXPECT_EQ(echo("guard/b", 1), 102);
}

TEST_F(pooled_supervisor, takes_its_children_along_when_it_is_killed) {
  grow_guarded({.intensity = 3, .period = 30s});
  EXPECT_TRUE(tree->operate(operation::kill, "guard", 10s).ok);
  EXPECT_TRUE(reaches("guard/b", 2));
  EXPECT_NE(log.text().find("-a1"), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("-b1"), std::string::npos) << log.text();
}

TEST_F(pooled_supervisor, still_replaces_a_child_that_holds_one_thread_of_the_pool) {
  grow_guarded({.intensity = 3, .period = 30s, .kill_grace = 50ms});
  hang("guard/a");
  EXPECT_TRUE(tree->operate(operation::kill, "guard/a", 10s).ok);
  EXPECT_EQ(echo("guard/a", 1), 102);
  let_go = true;
}

TEST_F(pooled_supervisor, gets_a_thread_while_all_of_the_pool_is_held) {
  sup_flags guard{.intensity = 3, .period = 30s, .kill_grace = 50ms};
  guard.pooled = true;
  const auto threads = std::max(2U, std::thread::hardware_concurrency());
  std::vector<child> holders;
  for (unsigned i = 0; i < threads; ++i)
    holders.push_back(obeying("holder" + std::to_string(i)));
  grow({.strategy = strategy::one_for_one, .intensity = 5, .period = 30s},
       {supervisor({.id = "guard"}, guard, {obeying_on_its_own_thread("a"), obeying_on_its_own_thread("b")}),
        supervisor({.id = "crowd"}, guard, std::move(holders))});
  for (unsigned i = 0; i < threads; ++i)
    hang("crowd/holder" + std::to_string(i));
  const auto begun = std::chrono::steady_clock::now();
  crash("guard/a");
  EXPECT_TRUE(reaches("guard/a", 2)) << "a crash";
  EXPECT_EQ(echo("guard/a", 1), 102);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);
  for (std::uint64_t life = 2; life <= 6; ++life) {
    const auto done = tree->operate(operation::restart, "guard/b", 5s);
    ASSERT_TRUE(done.ok) << done.detail;
    EXPECT_EQ(done.generation, life) << "an order";
  }
  EXPECT_TRUE(tree->operate(operation::kill, "guard", 5s).ok) << "a supervisor itself";
  EXPECT_TRUE(reaches("guard/b", 7));
  let_go = true;
  EXPECT_TRUE(eventually([&] { return echo("crowd/holder0", 1) == 101; })) << "whoever held the pool goes on";
}

} // namespace
