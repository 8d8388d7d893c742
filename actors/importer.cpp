// SPDX-License-Identifier: Apache-2.0
#include "actors/importer.hpp"

#include "storage/catalogue.hpp"
#include "supervision/child.hpp"
#include "views/highlight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

namespace lyceum {
namespace {

using namespace std::chrono_literals;

constexpr auto standby_pause = 250ms;
constexpr auto schema_pause = 250ms;
constexpr auto retry_pause = 2s;
constexpr auto full_pause = 10s;
constexpr int batch_max = 48;           // texts rendered between two commits
constexpr std::size_t blocks_max = 256; // code blocks one process colours
constexpr int plain_max = 100'000;
constexpr int tries_max = 3;
constexpr auto highlight_max = 10s; // one process

struct text {
  std::string key;
  render_input input;
  std::optional<rendered_text> made;
};
using batch = std::shared_ptr<std::vector<text>>;

/// The importer's state: a connection, and the pipeline import → render → colour, each step a message of its own, so that a new
/// import never waits long.
class pipeline : public std::enable_shared_from_this<pipeline> {
public:
  pipeline(caf::event_based_actor* self, const importer_options& options, supervision::system& tree, render_desk& desk,
           import_news& news)
      : self_(self), options_(options), tree_(tree), desk_(desk), news_(news) {}

  std::string summary() const {
    return fmt::format(R"({{"connected":{},"step":"{}","texts_rendered":{},"texts_coloured":{}}})",
                       db_ ? "true" : "false", step_, rendered_, coloured_);
  }

  void import_again() {
    later_ = false;
    if (std::exchange(only_renders_, false))
      return start_rendering();
    import({});
  }

  void import(std::vector<std::string> paths) {
    with_database([this, paths = std::move(paths)](storage::db& db) {
      if (options_.content) {
        step_ = "import";
        storage::import_options how;
        how.replace_content = options_.replace_content;
        how.changed_paths = paths;
        how.judge = views::refusal_of;
        auto report = storage::import_folder(db, options_.content->string(), how);
        tell_people(report, paths.empty());
        const bool changed = report.added + report.changed + report.removed > 0;
        news_.tell(std::move(report));
        if (changed)
          look_at_changes();
      }
      start_rendering();
    });
  }

private:
  /// Runs `what` with a connection, or later, when there is one.
  void with_database(std::function<void(storage::db&)> what) {
    if (options_.active && !options_.active()) {
      step_ = "stands by";
      return import_later(standby_pause);
    }
    if (options_.schema_ready && !options_.schema_ready()) {
      step_ = "waits for the database";
      return import_later(schema_pause);
    }
    try {
      if (!db_ || !db_->healthy()) {
        db_.reset();
        db_ = storage::open(options_.url, storage::mode::writes, {30s, 2s, 10s});
        db_->fence([fence = supervision::fence_of(self_), &options = options_] {
          return fence.open() && (!options.active || options.active());
        });
      }
      what(*db_);
    } catch (const storage::outage&) {
      db_.reset();
      step_ = "waits for the database";
      import_later(retry_pause);
    } catch (const storage::retry&) {
      step_ = "waits for another writer";
      import_later(retry_pause);
    } catch (const storage::unwritable& full) {
      if (options_.warn && step_ != "waits until the database can be written")
        options_.warn(fmt::format("content: nothing is imported for now: {}", full.what()));
      step_ = "waits until the database can be written";
      import_later(full_pause);
    }
  }

  /// Everything again, once, however many saves fail meanwhile: what they changed is found by the import itself.
  void import_later(std::chrono::milliseconds pause) {
    working_ = false; // what was in flight is found again
    only_renders_ = false;
    if (!std::exchange(later_, true))
      self_->delayed_send(self_, pause, tick_atom::value);
  }

  void tell_people(const storage::import_report& report, bool whole) {
    if (!options_.log || !options_.warn)
      return;
    for (const auto& fault : report.faults)
      if (whole || fault.how == storage::fault::severity::error)
        options_.warn(to_string(fault));
    if (whole || report.added + report.changed + report.removed > 0)
      options_.log(
          fmt::format("content: {} added, {} changed, {} removed, {} unchanged, {} errors, {} warnings in {} ms",
                      report.added, report.changed, report.removed, report.unchanged, report.errors(),
                      report.warnings(), report.took.count() / 1000));
  }

  void look_at_changes() { supervision::tell(tree_.named("storage/notifications"), look_atom::value); }

  // ── rendering ──────────────────────────────────────────────────────────────────────────────────────────────────────
  void start_rendering() {
    if (working_) {
      again_ = true;
      return;
    }
    working_ = true;
    render_batch();
  }

  void render_batch() {
    with_database([this](storage::db& db) {
      step_ = "render";
      auto next = std::make_shared<std::vector<text>>();
      for (auto& key :
           storage::list_unrendered(db, views::renderer_version, false, batch_max + static_cast<int>(failed_.size())))
        if (!failed_.contains(key) && next->size() < batch_max)
          if (auto input = storage::find_render_input(db, key))
            next->push_back({std::move(key), std::move(*input), {}});
      if (next->empty())
        return colour();
      render(next, {}, [this, next] {
        if (std::ranges::none_of(*next, [this](const text& one) { return one.made || failed_.contains(one.key); }))
          return render_later();
        save(next, [this] { render_batch(); });
      });
    });
  }

  /// The renderers are away, and asking them at once again would be a loop.
  void render_later() {
    step_ = "waits for the renderers";
    working_ = false;
    if (!std::exchange(later_, true)) {
      only_renders_ = true;
      self_->delayed_send(self_, retry_pause, tick_atom::value);
    }
  }

  /// Renders a batch with the renderers side by side; `then` runs in this actor when all have answered.
  void render(const batch& what, const views::colours& known, std::function<void()> then) {
    auto left = std::make_shared<std::size_t>(what->size());
    auto me = shared_from_this();
    auto actor = caf::actor_cast<caf::actor>(self_);
    for (std::size_t i = 0; i < what->size(); ++i) {
      auto answer = [me, actor, what, i, left, then](expected<rendered_text>&& made, bool lost) {
        auto kept = std::make_shared<expected<rendered_text>>(std::move(made));
        supervision::run_in(actor, [me, what, i, left, then, kept, lost] {
          if (*kept)
            (*what)[i].made = std::move(**kept);
          else if (!lost)
            me->give_up((*what)[i].key, kept->error());
          if (--*left == 0)
            then();
        });
      };
      submit(tree_, desk_, std::make_shared<render_task>((*what)[i].input, colours_for((*what)[i], known), answer));
    }
  }

  static views::colours colours_for(const text& one, const views::colours& known) {
    views::colours mine;
    if (one.made)
      for (const auto& block : one.made->blocks)
        if (auto found = known.find(block.hash); found != known.end())
          mine.insert(*found);
    return mine;
  }

  /// A text that cannot be rendered is not tried again in this life; its page tells.
  void give_up(const std::string& key, const problem& why) {
    failed_.insert(key);
    if (options_.warn && why.what != problem::kind::unavailable)
      options_.warn("a text cannot be rendered: " + why.detail);
  }

  void save(const batch& what, std::function<void()> then) {
    with_database([&](storage::db& db) {
      db.transaction([&] {
        for (const auto& one : *what)
          if (one.made)
            storage::save_rendered(db, one.key, views::renderer_version, *one.made);
      });
      rendered_ += what->size();
      then();
    });
  }

  // ── colouring ──────────────────────────────────────────────────────────────────────────────────────────────────────
  void colour() {
    if (!views::highlight_available()) {
      if (options_.log && !std::exchange(told_plain_, true))
        options_.log("code stays plain: there is no program `highlight` on PATH");
      return rest();
    }
    with_database([this](storage::db& db) {
      step_ = "colour";
      plain_.clear();
      std::map<std::string, std::map<std::string, code_block>> wanted; // language, hash
      for (auto& key : storage::list_unrendered(db, views::renderer_version, true, plain_max)) {
        if (failed_.contains(key) || colour_tries_[key] == tries_max)
          continue;
        auto text = storage::find_rendered(db, key, views::renderer_version);
        if (!text)
          continue;
        ++colour_tries_[key];
        std::vector<std::string> hashes;
        for (auto& block : text->blocks)
          if (!block.language.empty())
            hashes.push_back(block.hash);
        std::set<std::string> known;
        for (auto& [hash, html] : storage::find_colours(db, hashes))
          known.insert(hash);
        for (auto& block : text->blocks)
          if (!block.language.empty() && !known.contains(block.hash))
            wanted[block.language].emplace(block.hash, block);
        plain_.push_back(std::move(key));
      }
      if (plain_.empty())
        return rest();
      chunks_.clear();
      for (auto& [language, blocks] : wanted) {
        std::vector<code_block> chunk;
        for (auto& [hash, block] : blocks) {
          chunk.push_back(std::move(block));
          if (chunk.size() == blocks_max)
            chunks_.push_back({language, std::move(chunk)}), chunk.clear();
        }
        if (!chunk.empty())
          chunks_.push_back({language, std::move(chunk)});
      }
      colour_chunk();
    });
  }

  void colour_chunk() {
    if (chunks_.empty())
      return colour_batch();
    auto [language, blocks] = std::move(chunks_.back());
    chunks_.pop_back();
    auto me = shared_from_this();
    auto actor = caf::actor_cast<caf::actor>(self_);
    auto task = std::make_shared<colour_task>();
    task->language = std::move(language);
    task->blocks = std::move(blocks);
    task->done = [me, actor](std::vector<std::pair<std::string, std::string>>&& made) {
      auto kept = std::make_shared<std::vector<std::pair<std::string, std::string>>>(std::move(made));
      supervision::run_in(actor, [me, kept] {
        me->with_database([&](storage::db& db) {
          if (!kept->empty())
            db.transaction([&] { storage::save_colours(db, *kept); });
          me->colour_chunk();
        });
      });
    };
    supervision::tell(tree_.named("rendering/highlight"), std::move(task));
  }

  /// Renders again, with colours, what was plain.
  void colour_batch() {
    if (plain_.empty())
      return colour(); // those that lost their colours to a crash get another try
    with_database([this](storage::db& db) {
      auto next = std::make_shared<std::vector<text>>();
      views::colours known;
      while (!plain_.empty() && next->size() < batch_max) {
        auto key = std::move(plain_.back());
        plain_.pop_back();
        auto input = storage::find_render_input(db, key);
        auto text = storage::find_rendered(db, key, views::renderer_version);
        if (!input || !text)
          continue;
        std::vector<std::string> hashes;
        for (const auto& block : text->blocks)
          hashes.push_back(block.hash);
        for (auto& [hash, html] : storage::find_colours(db, hashes))
          known.emplace(std::move(hash), std::move(html));
        next->push_back({std::move(key), std::move(*input), std::move(*text)});
      }
      if (next->empty())
        return colour();
      render(next, known, [this, next] {
        coloured_ += next->size();
        save(next, [this] {
          look_at_changes();
          colour_batch();
        });
      });
    });
  }

  void rest() {
    working_ = false;
    if (std::exchange(again_, false))
      return start_rendering();
    // Before it says that it rests: who waits for that may then ask the warmer.
    if (!std::exchange(warmed_, true))
      supervision::tell(tree_.named("cache/warmer"), warm_atom::value);
    step_ = "rests";
  }

  caf::event_based_actor* self_;
  const importer_options& options_;
  supervision::system& tree_;
  render_desk& desk_;
  import_news& news_;
  std::unique_ptr<storage::db> db_;
  std::string step_ = "starts";
  std::set<std::string> failed_;            // cannot be rendered
  std::map<std::string, int> colour_tries_; // in this life
  std::vector<std::string> plain_;
  std::vector<std::pair<std::string, std::vector<code_block>>> chunks_;
  std::size_t rendered_ = 0;
  std::size_t coloured_ = 0;
  bool working_ = false;
  bool later_ = false;        // a timer for `import_again` is on its way
  bool only_renders_ = false; // that timer is for what is not rendered yet
  bool again_ = false;
  bool warmed_ = false;
  bool told_plain_ = false;
};

} // namespace

caf::behavior importer(caf::event_based_actor* self, const importer_options* options, supervision::system* tree,
                       render_desk* desk, import_news* news) {
  auto work = std::make_shared<pipeline>(self, *options, *tree, *desk, *news);
  supervision::on_inspect(self, [work] { return work->summary(); });
  self->send(self, import_atom::value);
  return {
      [work](import_atom) { work->import({}); },
      [work](import_atom, const paths_ptr& paths) { work->import(*paths); },
      [work](tick_atom) { work->import_again(); },
  };
}

caf::behavior highlighter(caf::event_based_actor*, std::atomic<int>* child_pid) {
  return {[child_pid](colour_task_ptr& task) {
    auto mine = std::move(task);
    const supervision::unhurried it_has_a_deadline;
    auto made = views::run_highlight({mine->language, mine->blocks}, std::chrono::steady_clock::now() + highlight_max,
                                     [child_pid](pid_t pid) { *child_pid = pid; });
    *child_pid = 0;
    auto done = std::move(mine->done);
    mine->done = nullptr;
    done(made ? std::move(*made) : std::vector<std::pair<std::string, std::string>>{});
  }};
}

} // namespace lyceum
