// SPDX-License-Identifier: Apache-2.0
#include "actors/texts.hpp"

#include "actors/db_pool.hpp"
#include "storage/catalogue.hpp"

#include <memory>

namespace lyceum {
namespace {

/// One text on its way. Each step hands the errand to the next one's callback, so nothing is shared between threads at once.
struct errand : std::enable_shared_from_this<errand> {
  supervision::system& tree;
  render_desk& desk;
  std::string key;
  std::function<void(expected<void>)> done;
  render_input input;
  int tries_left = 3;

  errand(supervision::system& in, render_desk& at, std::string what, std::function<void(expected<void>)> then)
      : tree(in), desk(at), key(std::move(what)), done(std::move(then)) {}

  void again_or_end(const problem& why, bool lost, void (errand::*step)()) {
    if (lost && --tries_left > 0)
      return (this->*step)();
    done(tl::unexpected(why));
  }

  void begin() {
    auto me = shared_from_this();
    submit(tree, std::make_shared<db_task>(
                     db_use::reads,
                     [me](storage::db& db) {
                       auto found = storage::find_render_input(db, me->key);
                       if (!found)
                         return me->done(tl::unexpected(found.error()));
                       me->input = std::move(*found);
                       me->render();
                     },
                     [me](const problem& why, bool lost) { me->again_or_end(why, lost, &errand::begin); }));
  }

  void render() {
    auto me = shared_from_this();
    submit(tree, desk,
           std::make_shared<render_task>(input, views::colours{}, [me](expected<rendered_text>&& made, bool lost) {
             if (!made)
               return me->again_or_end(made.error(), lost, &errand::render);
             me->save(std::make_shared<rendered_text>(std::move(*made)));
           }));
  }

  /// Saves it plain where none of its colours are known; else it is rendered once more, with them.
  void save(std::shared_ptr<rendered_text> plain) {
    auto me = shared_from_this();
    submit(tree, std::make_shared<db_task>(
                     db_use::writes,
                     [me, plain](storage::db& db) {
                       std::vector<std::string> hashes;
                       for (const auto& block : plain->blocks)
                         hashes.push_back(block.hash);
                       views::colours known;
                       for (auto& [hash, html] : storage::find_colours(db, hashes))
                         known.emplace(std::move(hash), std::move(html));
                       storage::save_rendered(db, me->key, views::renderer_version, *plain);
                       if (known.empty())
                         return me->done({});
                       me->colour(std::move(known));
                     },
                     [me, plain](const problem& why, bool lost) {
                       if (lost && --me->tries_left > 0)
                         return me->save(plain);
                       me->done(tl::unexpected(why));
                     }));
  }

  void colour(views::colours known) {
    auto me = shared_from_this();
    submit(tree, desk,
           std::make_shared<render_task>(input, std::move(known), [me](expected<rendered_text>&& made, bool) {
             if (!made)
               return me->done({}); // plain is kept already
             auto coloured = std::make_shared<rendered_text>(std::move(*made));
             submit(me->tree, std::make_shared<db_task>(
                                  db_use::writes,
                                  [me, coloured](storage::db& db) {
                                    storage::save_rendered(db, me->key, views::renderer_version, *coloured);
                                    me->done({});
                                  },
                                  [me](const problem&, bool) { me->done({}); }));
           }));
  }
};

} // namespace

void make_text(supervision::system& tree, render_desk& desk, std::string key,
               std::function<void(expected<void>)> done) {
  std::make_shared<errand>(tree, desk, std::move(key), std::move(done))->begin();
}

} // namespace lyceum
