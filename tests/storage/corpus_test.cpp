// SPDX-License-Identifier: Apache-2.0
// A school of real lessons, where it is beside the source: 9 courses, 725 lesson texts in 26 languages, 51 articles, 3 videos.
#include "engines.hpp"

#include "storage/import.hpp"

#include <cstdlib>
#include <gmock/gmock.h>
#include <iostream>
#include <map>
#include <set>
#include <thread>

namespace lyceum::storage::test {
namespace {

namespace cat = catalogue;

std::filesystem::path corpus() {
  if (const char* stated = std::getenv("LYCEUM_CORPUS"))
    return stated;
  return std::filesystem::path(LYCEUM_SOURCE_DIR) / "../shared/corpus/elixirschool";
}

// The figures are those of a release: sanitisers make everything many times slower.
#ifdef NDEBUG
constexpr std::chrono::seconds import_max{1};
#else
constexpr std::chrono::seconds import_max{20};
#endif

class corpus_test : public migrated_test {
protected:
  void SetUp() override {
    if (!std::filesystem::exists(corpus() / "site.toml"))
      GTEST_SKIP() << "the corpus is not at " << corpus();
    migrated_test::SetUp();
  }
};
ON_BOTH_ENGINES(corpus_test);

TEST_P(corpus_test, the_whole_school_is_imported_and_found) {
  const auto first = import_folder(*db_, corpus().string());
  for (const auto& f : first.faults)
    ADD_FAILURE() << to_string(f);
  const auto again = import_folder(*db_, corpus().string());
  std::cout << "first import " << first.took.count() / 1000 << " ms, unchanged " << again.took.count() / 1000
            << " ms\n";
  EXPECT_EQ(again.added + again.changed + again.removed, 0);
  EXPECT_LT(again.took, import_max);

  const auto now = now_utc();
  std::map<std::string, int> count;
  std::set<std::string> languages;
  std::set<std::string> films;
  for (const auto& a : cat::list_addresses(*db_, now)) {
    ++count[a.kind];
    languages.insert(a.language);
    if (a.kind != "lesson")
      continue;
    const auto slash = a.group.find('/');
    const auto l = cat::find_lesson(*db_, a.group.substr(7, slash - 7), a.group.substr(slash + 1), a.language, now);
    ASSERT_TRUE(l) << a.path;
    EXPECT_EQ(l->title, a.title);
    EXPECT_TRUE(find_render_input(*db_, l->render_key));
    if (l->film) {
      films.insert(l->film->file.path);
      EXPECT_EQ(l->film->captions.size(), 1u) << a.path;
      EXPECT_TRUE(cat::find_media(*db_, l->film->file.key, l->film->file.name, now));
    }
  }
  EXPECT_EQ(count["lesson"], 725);
  EXPECT_EQ(count["article"], 51);
  EXPECT_EQ(languages.size(), 26u);
  EXPECT_EQ(films.size(), 3u);
  EXPECT_EQ(cat::list_courses(*db_, "en", now).size(), 9u);
}

TEST_P(corpus_test, two_importers_at_once_leave_the_whole_school) {
  const auto import = [&] {
    auto mine = connect(mode::writes, {.busy = std::chrono::seconds(30)});
    import_folder(*mine, corpus().string());
  };
  std::thread other(import);
  import();
  other.join();
  EXPECT_TRUE(import_folder(*db_, corpus().string()).tags.empty());
}

TEST_P(corpus_test, one_saved_lesson_is_imported_quickly) {
  std::filesystem::copy(corpus(), folder_ / "school", std::filesystem::copy_options::recursive);
  const std::string path = "courses/basics/01-basics.md";
  std::filesystem::permissions(folder_ / "school" / path, std::filesystem::perms::owner_write,
                               std::filesystem::perm_options::add);
  import_folder(*db_, (folder_ / "school").string());
  put("school/" + path, "---\ntitle: Edited\n---\nText");
  const auto r = import_folder(*db_, (folder_ / "school").string(), {.changed_paths = {path}});
  std::cout << "one edit in the largest course " << r.took.count() / 1000 << " ms\n";
  EXPECT_EQ(r.changed, 1);
  EXPECT_THAT(r.tags, ::testing::Contains("lesson:basics/basics"));
  EXPECT_LT(r.took, import_max);
}

} // namespace
} // namespace lyceum::storage::test
