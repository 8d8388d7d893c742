// SPDX-License-Identifier: Apache-2.0
#include "actors/page_cache.hpp"

#include "supervision/child.hpp"

namespace lyceum {
namespace {

using tick_atom = caf::atom_constant<caf::atom("tick")>;
constexpr std::chrono::seconds between_ticks{1};

std::string summary(const page_keeper::statistics& now) {
  return std::to_string(now.pages) + " pages, " + std::to_string(now.bytes) + " of " + std::to_string(now.bytes_max) +
         " bytes, " + std::to_string(now.stale) + " stale, " + std::to_string(now.hits) + " hits, " +
         std::to_string(now.encoding_waits) + " to encode, " + std::to_string(now.store.file_bytes) + " bytes on disk" +
         (now.store.writing ? "" : " (not writing)");
}

/// Brings what the encoder makes back as a message. Holds the cache weakly: its successor asks again for what it lacks.
page_keeper::encoder asking(caf::actor self, page_encoder encoder) {
  return [me = caf::actor_cast<caf::weak_actor_ptr>(self),
          encoder = std::move(encoder)](const std::string& key, const page_ptr& from, int quality) {
    encoder(from, quality, [me, key, from](page_ptr made) {
      if (auto alive = caf::actor_cast<caf::strong_actor_ptr>(me))
        caf::anon_send(caf::actor_cast<caf::actor>(alive), page_encoded{key, from, std::move(made)});
    });
  };
}

page_list as_list(std::optional<page_table::entry> one) {
  page_list list;
  if (one)
    list.pages.push_back(std::move(*one));
  return list;
}

} // namespace

caf::behavior page_cache(caf::stateful_actor<page_cache_state>* self, page_table* table, page_store* store,
                         page_keeper::limits limits, page_encoder encoder) {
  if (!encoder)
    encoder = [](const page_ptr&, int, const std::function<void(page_ptr)>& done) { done(nullptr); };
  self->state.keeper = std::make_unique<page_keeper>(*table, store, limits,
                                                     asking(caf::actor_cast<caf::actor>(self), std::move(encoder)));
  supervision::on_inspect(self, [self] { return summary(self->state.keeper->stats()); });
  self->delayed_send(self, between_ticks, tick_atom::value);
  return {
      [self](const keep_page& what) {
        if (what.what)
          self->state.keeper->published(what.key, what.what);
        else
          self->state.keeper->taken_out(what.key);
      },
      [self](const evict_pages& what) -> std::uint64_t { return self->state.keeper->evict(what.tag, what.seq); },
      [self](const forget_page& what) { return self->state.keeper->erase(what.key); },
      [self](ask_page_figures) { return page_figures{self->state.keeper->stats()}; },
      [self](const list_pages& what) { return page_list{self->state.keeper->list(what.prefix, what.count)}; },
      [self](const show_page& what) { return as_list(self->state.keeper->show(what.key)); },
      [self](page_encoded& what) { self->state.keeper->encoded(what.key, what.from, std::move(what.made)); },
      [self](tidy_pages) { self->state.keeper->tick(page_keeper::clock::now()); },
      [self](tick_atom) {
        self->state.keeper->tick(page_keeper::clock::now());
        self->delayed_send(self, between_ticks, tick_atom::value);
      },
  };
}

caf::behavior page_encoder_actor(caf::event_based_actor*) {
  return {
      [](const encode_page& order) { order.done(with_encodings(*order.what, order.brotli_quality)); },
  };
}

} // namespace lyceum
