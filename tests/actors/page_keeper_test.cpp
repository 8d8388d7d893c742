// SPDX-License-Identifier: Apache-2.0
#include "actors/page_keeper.hpp"
#include "tests/actors/pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace lyceum {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using state = page_table::freshness;
using std::chrono::seconds;

struct page_keeper_test : testing::Test {
  struct order {
    std::string key;
    page_ptr from;
    int quality;
  };
  fs::path folder = fs::temp_directory_path() / ("lyceum_keeper_" + std::to_string(::getpid()));
  page_table table;
  std::vector<order> orders; // what the encoder was asked for
  page_keeper::limits limits{.bytes_max = 100'000, .encoding_max = 2};
  std::unique_ptr<page_store> store;
  std::unique_ptr<page_keeper> keeper;
  page_keeper::clock::time_point now = page_keeper::clock::now();

  void SetUp() override {
    fs::remove_all(folder);
    open_store();
    begin();
  }
  void TearDown() override {
    keeper.reset();
    store.reset();
    fs::remove_all(folder);
  }
  void open_store() {
    store.reset();
    store = std::make_unique<page_store>(folder, "test", [](const std::string& line) { ADD_FAILURE() << line; });
  }
  void begin() {
    keeper = std::make_unique<page_keeper>(table, store.get(), limits,
                                           [this](const std::string& key, const page_ptr& from, int q) {
                                             orders.push_back({key, from, q});
                                           });
  }
  /// As a session does it.
  void publish(const std::string& key, const page_ptr& what) {
    table.put(key, what);
    keeper->published(key, what);
  }
  /// The encoder answers its oldest order.
  void encode_one() {
    auto one = orders.front();
    orders.erase(orders.begin());
    keeper->encoded(one.key, one.from, with_encodings(*one.from, 1));
  }
  std::vector<std::string> ordered() {
    std::vector<std::string> keys;
    for (const auto& one : orders)
      keys.push_back(one.key);
    return keys;
  }
};

TEST_F(page_keeper_test, a_page_is_served_at_once_and_encoded_soon_after) {
  publish("/a", page_of(long_text(5000)));
  ASSERT_TRUE(table.find("/a"));
  EXPECT_FALSE(table.find("/a")->brotli);
  ASSERT_THAT(ordered(), ElementsAre("/a"));
  EXPECT_EQ(orders[0].quality, 5);
  encode_one();
  EXPECT_TRUE(table.find("/a")->brotli);
  EXPECT_EQ(keeper->stats().encoded, 1u);
  EXPECT_EQ(keeper->stats().encoding_waits, 0u);
}

TEST_F(page_keeper_test, small_pages_are_not_encoded_and_immutable_ones_at_brotlis_best) {
  publish("/small", page_of("x"));
  EXPECT_THAT(ordered(), ElementsAre());
  auto asset = answer_of(long_text(5000));
  asset.cache.what = cache_rule::kind::immutable;
  publish("/asset", make_page(std::move(asset), "/assets"));
  ASSERT_EQ(orders.size(), 1u);
  EXPECT_EQ(orders[0].quality, 11);
}

TEST_F(page_keeper_test, the_encoder_has_only_a_few_orders_at_a_time) {
  for (auto key : {"/a", "/b", "/c", "/d"})
    publish(key, page_of(long_text(5000) + key));
  EXPECT_THAT(ordered(), ElementsAre("/a", "/b"));
  encode_one();
  EXPECT_THAT(ordered(), ElementsAre("/b", "/c"));
  keeper->erase("/d");
  encode_one();
  encode_one();
  EXPECT_THAT(ordered(), ElementsAre()) << "/d is gone, nobody needs it encoded";
}

TEST_F(page_keeper_test, an_encoder_that_answers_at_once_is_fine_too) {
  page_keeper* self = nullptr;
  page_keeper quick(table, nullptr, limits, [&self](const std::string& key, const page_ptr& from, int) {
    self->encoded(key, from, with_encodings(*from, 1));
  });
  self = &quick;
  for (int i = 0; i < 10; ++i) {
    const auto key = "/" + std::to_string(i);
    table.put(key, page_of(long_text(2000)));
    quick.published(key, table.find(key));
  }
  EXPECT_EQ(quick.stats().encoded, 10u);
}

TEST_F(page_keeper_test, a_page_that_changed_while_it_was_encoded_is_encoded_again) {
  publish("/a", page_of(long_text(5000) + "old"));
  publish("/a", page_of(long_text(5000) + "new"));
  EXPECT_THAT(ordered(), ElementsAre("/a"));
  encode_one();
  EXPECT_TRUE(table.find("/a")->identity->body.ends_with("new"));
  EXPECT_FALSE(table.find("/a")->brotli);
  ASSERT_THAT(ordered(), ElementsAre("/a"));
  encode_one();
  EXPECT_TRUE(table.find("/a")->brotli);
  EXPECT_TRUE(table.find("/a")->identity->body.ends_with("new"));
}

TEST_F(page_keeper_test, an_encoder_that_never_answers_is_given_up) {
  for (auto key : {"/a", "/b", "/c"})
    publish(key, page_of(long_text(5000) + key));
  orders.clear();
  keeper->tick(now + seconds(29));
  EXPECT_THAT(ordered(), ElementsAre());
  keeper->tick(now + seconds(31));
  EXPECT_THAT(ordered(), ElementsAre("/c"));
  EXPECT_TRUE(table.find("/a")) << "served as it is";
}

TEST_F(page_keeper_test, an_eviction_marks_and_counts_and_a_page_that_was_evicted_while_encoded_stays_stale) {
  publish("/a", page_of(long_text(5000), {"t"}));
  EXPECT_EQ(keeper->evict("t", 2), 1u);
  encode_one();
  EXPECT_TRUE(table.find("/a")->brotli);
  EXPECT_EQ(table.state_of("/a"), state::stale);
  EXPECT_EQ(keeper->stats().stale, 1u);
  EXPECT_EQ(keeper->stats().marked_stale, 1u);
}

TEST_F(page_keeper_test, the_limit_of_bytes_holds) {
  for (int i = 0; i < 100; ++i) {
    publish("/" + std::to_string(i),
            page_of(std::string(900, 'x') + std::string(static_cast<std::size_t>(i) * 20, 'y')));
    while (!orders.empty())
      encode_one();
    ASSERT_LE(table.bytes(), limits.bytes_max);
  }
  EXPECT_GT(keeper->stats().dropped_for_room, 0u);
  publish("/huge", page_of(std::string(200'000, 'x')));
  EXPECT_FALSE(table.find("/huge"));
  EXPECT_TRUE(table.find("/99"));
}

TEST_F(page_keeper_test, its_successor_adopts_every_page_and_goes_on) {
  publish("/a", page_of(long_text(5000)));
  publish("/b", page_of("b"));
  keeper.reset();
  orders.clear();
  begin();
  EXPECT_EQ(keeper->stats().pages, 2u);
  EXPECT_THAT(ordered(), ElementsAre("/a")) << "what was being encoded when the first one died";
  limits.bytes_max = 1000;
  keeper.reset();
  begin();
  EXPECT_LE(table.bytes(), 1000u);
}

TEST_F(page_keeper_test, a_restarted_process_is_warm) {
  publish("/a", page_of(long_text(5000), {"t"}, 3));
  encode_one();
  publish("/b", page_of("b", {"t"}, 3));
  publish("/gone", page_of("x"));
  keeper->erase("/gone");
  publish("/c", page_of("c", {"u"}, 3));
  keeper->evict("u", 4);
  keeper.reset();
  open_store();
  page_table next;
  EXPECT_EQ(load_pages(next, *store, 4), 3u);
  EXPECT_TRUE(next.find("/a")->brotli);
  EXPECT_EQ(next.state_of("/a"), state::fresh);
  EXPECT_EQ(next.state_of("/b"), state::fresh);
  EXPECT_EQ(next.state_of("/c"), state::stale);
  EXPECT_FALSE(next.find("/gone"));
}

TEST_F(page_keeper_test, content_that_changed_while_no_server_ran_makes_loaded_pages_stale) {
  publish("/a", page_of("a", {"t"}, 3));
  publish("/style.css", page_of("css", {}, 0));
  keeper.reset();
  open_store();
  page_table next;
  load_pages(next, *store, 9);
  EXPECT_EQ(next.state_of("/a"), state::stale);
  EXPECT_EQ(next.state_of("/style.css"), state::fresh) << "it depends on no content";
}

TEST_F(page_keeper_test, a_late_word_of_a_page_changes_nothing_in_the_table) {
  const auto made_before_the_theme_changed = page_of(long_text(5000), {"site"}, 3);
  table.put("/marked", made_before_the_theme_changed);
  keeper->evict("site", 0);
  keeper->published("/marked", made_before_the_theme_changed);
  EXPECT_EQ(table.state_of("/marked"), state::stale);
  table.put("/erased", made_before_the_theme_changed);
  table.erase("/erased");
  keeper->published("/erased", made_before_the_theme_changed);
  EXPECT_FALSE(table.find("/erased"));
  const auto newer = page_of("newer", {"site"}, 3);
  table.put("/replaced", newer);
  keeper->published("/replaced", made_before_the_theme_changed);
  EXPECT_EQ(table.find("/replaced"), newer);
  EXPECT_THAT(ordered(), ElementsAre("/marked"));
  keeper.reset();
  open_store();
  page_table next;
  load_pages(next, *store, 3);
  EXPECT_FALSE(next.find("/erased"));
  EXPECT_FALSE(next.find("/replaced")) << "its own message has not come yet";
}

TEST_F(page_keeper_test, what_was_taken_out_does_not_come_back_from_the_store) {
  publish("/was-free", page_of("for all", {"t"}, 3));
  publish("/again", page_of("old", {"t"}, 3));
  table.erase("/was-free");
  table.erase("/again");
  publish("/again", page_of("new", {"t"}, 3));
  keeper->taken_out("/was-free");
  keeper->taken_out("/again"); // the word of the one before comes late
  EXPECT_EQ(keeper->stats().pages, 1u);
  keeper.reset();
  open_store();
  page_table next;
  load_pages(next, *store, 3);
  EXPECT_FALSE(next.find("/was-free"));
  ASSERT_TRUE(next.find("/again"));
  EXPECT_EQ(next.find("/again")->identity->body, "new");
}

TEST_F(page_keeper_test, lists_are_sorted_by_hits_and_cut) {
  for (auto key : {"/fr/a", "/fr/b", "/c"})
    publish(key, page_of("x"));
  auto loop = table.make_reader();
  for (int i = 0; i < 3; ++i)
    loop->find("/fr/b", 0);
  auto some = keeper->list("/fr", 10);
  ASSERT_EQ(some.size(), 2u);
  EXPECT_EQ(some[0].key, "/fr/b");
  EXPECT_EQ(some[0].hits, 3u);
  EXPECT_EQ(keeper->list("", 1).size(), 1u);
  EXPECT_EQ(keeper->show("/c")->key, "/c");
  EXPECT_FALSE(keeper->show("/none"));
}

TEST_F(page_keeper_test, the_stores_file_is_tidied_when_half_of_it_is_dead) {
  auto text = long_text(20000);
  for (int i = 0; i < 400; ++i) {
    publish("/a", page_of(text + std::to_string(i)));
    while (!orders.empty())
      encode_one();
  }
  EXPECT_GT(store->now().file_bytes, page_store::slack_bytes);
  keeper->tick(now);
  EXPECT_LT(store->now().file_bytes, 100'000u);
}

} // namespace
} // namespace lyceum
