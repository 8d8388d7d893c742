// SPDX-License-Identifier: Apache-2.0
// The mailbox around page_keeper. What it decides is tested there.
#include "actors/page_cache.hpp"
#include "supervision/system.hpp"
#include "tests/actors/pages.hpp"

#include <gtest/gtest.h>
#include <thread>

namespace lyceum {
namespace {

using namespace std::chrono_literals;

struct page_cache_test : testing::Test {
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> actors;
  page_table table;

  page_cache_test() {
    config.set("scheduler.max-threads", 2);
    actors = std::make_unique<caf::actor_system>(config);
  }
  caf::actor begin() {
    // CAF 0.17 keeps no arguments in a null pointer that it then dereferences, which libstdc++'s assertions refuse;
    // hence one.
    auto encoder = actors->spawn([](caf::event_based_actor* self, int) { return page_encoder_actor(self); }, 0);
    page_encoder encode = [encoder](const page_ptr& what, int quality, std::function<void(page_ptr)> done) {
      caf::anon_send(encoder, encode_page{what, quality, std::move(done)});
    };
    return actors->spawn(page_cache, &table, static_cast<page_store*>(nullptr), page_keeper::limits{}, encode);
  }
  template <class Answer, class Question>
  Answer ask(const caf::actor& whom, Question question) {
    caf::scoped_actor self(*actors);
    Answer got{};
    self->request(whom, 10s, std::move(question))
        .receive([&](Answer& answer) { got = std::move(answer); },
                 [&](caf::error& e) { ADD_FAILURE() << actors->render(e); });
    return got;
  }
  bool eventually(const std::function<bool()>& holds) {
    for (auto until = std::chrono::steady_clock::now() + 10s; std::chrono::steady_clock::now() < until;) {
      if (holds())
        return true;
      std::this_thread::yield();
    }
    return false;
  }
};

TEST_F(page_cache_test, a_page_that_it_keeps_comes_back_encoded) {
  auto cache = begin();
  const auto page = page_of(long_text(5000), {"t"}, 1);
  table.put("/a", page);
  caf::anon_send(cache, keep_page{"/a", page});
  EXPECT_TRUE(eventually([&] { return table.find("/a") && table.find("/a")->brotli; }));
  EXPECT_EQ(ask<page_figures>(cache, ask_page_figures{}).now.pages, 1u);
  EXPECT_EQ(ask<page_list>(cache, list_pages{"/", 10}).pages.at(0).key, "/a");
  EXPECT_EQ(ask<page_list>(cache, show_page{"/a"}).pages.size(), 1u);
  EXPECT_TRUE(ask<page_list>(cache, show_page{"/b"}).pages.empty());
  EXPECT_EQ(ask<std::uint64_t>(cache, evict_pages{"t", 2}), 1u);
  EXPECT_EQ(table.state_of("/a"), page_table::freshness::stale);
  EXPECT_TRUE(ask<bool>(cache, forget_page{"/a"}));
  EXPECT_FALSE(table.find("/a"));
  caf::anon_send_exit(cache, caf::exit_reason::user_shutdown);
}

TEST_F(page_cache_test, the_table_survives_its_owner_and_the_next_one_adopts_it) {
  auto first = begin();
  table.put("/a", page_of("x"));
  caf::anon_send(first, keep_page{"/a", table.find("/a")});
  caf::anon_send_exit(first, caf::exit_reason::kill);
  caf::scoped_actor self(*actors);
  self->wait_for(first);
  EXPECT_TRUE(table.find("/a"));
  auto second = begin();
  EXPECT_EQ(ask<page_figures>(second, ask_page_figures{}).now.pages, 1u);
  caf::anon_send_exit(second, caf::exit_reason::user_shutdown);
}

TEST_F(page_cache_test, a_crash_report_names_the_page_and_does_not_print_it) {
  auto text = caf::to_string(caf::make_message(keep_page{"/secret", page_of("the text")}));
  EXPECT_NE(text.find("keep_page /secret"), std::string::npos) << text;
  EXPECT_EQ(text.find("the text"), std::string::npos) << text;
}

TEST(page_cache_in_the_tree, a_kill_costs_no_page_and_its_successor_goes_on_under_the_same_name) {
  namespace sup = supervision;
  auto config = sup::caf_config();
  caf::actor_system actors(*config);
  page_table table;
  sup::system tree(actors);
  sup::start_function start = [&table](sup::birth& born) {
    return born.detached(page_cache, &table, static_cast<page_store*>(nullptr), page_keeper::limits{}, page_encoder{});
  };
  auto up =
      tree.start(sup::supervisor({.id = "site"}, {.intensity = 5, .period = 30s},
                                 {sup::supervisor({.id = "cache"}, {}, {sup::worker({.id = "page_cache"}, start)})}));
  ASSERT_TRUE(up) << up.detail;
  auto& name = tree.named("cache/page_cache");
  for (int round = 1; round <= 3; ++round) {
    auto key = "/" + std::to_string(round);
    table.put(key, page_of(key));
    sup::tell(name, keep_page{key, table.find(key)});
    auto killed = tree.operate(sup::operation::kill, "cache/page_cache");
    ASSERT_TRUE(killed) << killed.detail;
    EXPECT_EQ(killed.generation, static_cast<std::uint64_t>(round + 1));
    EXPECT_EQ(table.size(), static_cast<std::size_t>(round));
  }
  auto told = tree.operate(sup::operation::inspect, "cache/page_cache");
  EXPECT_NE(told.detail.find("3 pages"), std::string::npos) << told.detail;
  EXPECT_TRUE(tree.stop(10s));
}

} // namespace
} // namespace lyceum
