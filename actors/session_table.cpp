// SPDX-License-Identifier: Apache-2.0
#include "actors/session_table.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <charconv>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

namespace lyceum {
namespace {

using std::memory_order_acq_rel, std::memory_order_acquire, std::memory_order_relaxed, std::memory_order_release;

constexpr std::size_t part_count = 64;
constexpr std::size_t slots_min = 16;
constexpr int looks_max = 1000; // a writer holds a part for microseconds; who finds it held for ever asks the database

/// One session. A reader may see it half written, and then looks again.
struct alignas(64) slot {
  std::array<std::atomic<std::uint64_t>, 4> hash{}; // all zero: empty
  std::atomic<std::int64_t> account = 0;
  std::atomic<std::uint64_t> tier = 0;
  std::atomic<std::int64_t> until_us = 0;
  std::atomic<std::int64_t> touched_us = 0;

  // Acquire, so that the look at the part's counter that follows cannot come before them.
  session_hash key() const noexcept {
    session_hash all;
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = hash[i].load(memory_order_acquire);
    return all;
  }
  known_session what() const noexcept {
    return {account.load(memory_order_acquire), static_cast<std::uint32_t>(tier.load(memory_order_acquire)),
            until_us.load(memory_order_acquire), touched_us.load(memory_order_acquire)};
  }
  void write(const session_hash& of, const known_session& now) noexcept {
    for (std::size_t i = 0; i < of.size(); ++i)
      hash[i].store(of[i], memory_order_relaxed);
    account.store(now.account, memory_order_relaxed);
    tier.store(now.tier, memory_order_relaxed);
    until_us.store(now.until_us, memory_order_relaxed);
    touched_us.store(now.touched_us, memory_order_relaxed);
  }
};

struct slots {
  explicit slots(std::size_t count) : mask(count - 1), all(std::make_unique<slot[]>(count)) {}
  const std::size_t mask;
  const std::unique_ptr<slot[]> all;
};

constexpr session_hash nobody{};

/// Open addressing, linear probing, at most three quarters full; what is taken out is closed up, so there are no graves.
struct alignas(64) part {
  std::atomic<std::uint32_t> turn = 0; // odd while somebody writes
  std::atomic<const slots*> now = nullptr;
  std::vector<std::unique_ptr<slots>> arrays; // the last one is `now`; the writers' business
  std::size_t used = 0;

  /// While it lives, readers of this part look again.
  class writing {
  public:
    explicit writing(part& of) : of_(of) { of_.turn.fetch_add(1, memory_order_acq_rel); }
    ~writing() { of_.turn.fetch_add(1, memory_order_release); }
    writing(const writing&) = delete;
    writing& operator=(const writing&) = delete;

  private:
    part& of_;
  };

  /// Where the key stands, or where it would stand: a slot that is empty.
  static std::size_t place_of(const slots& in, const session_hash& key) noexcept {
    // SHA-256 is as good as random, and nobody can aim at it.
    for (std::size_t i = key[0] & in.mask;; i = (i + 1) & in.mask)
      if (const auto there = in.all[i].key(); there == key || there == nobody)
        return i;
  }
  void grow() {
    auto more = std::make_unique<slots>((arrays.back()->mask + 1) * 2);
    for (std::size_t i = 0; i <= arrays.back()->mask; ++i)
      if (const auto& one = arrays.back()->all[i]; one.key() != nobody)
        more->all[place_of(*more, one.key())].write(one.key(), one.what());
    now.store(more.get(), memory_order_release);
    arrays.push_back(std::move(more));
  }
  void close_up(std::size_t hole) {
    const auto& in = *arrays.back();
    for (std::size_t i = (hole + 1) & in.mask;; i = (i + 1) & in.mask) {
      const auto key = in.all[i].key();
      if (key == nobody)
        break;
      const auto home = key[0] & in.mask;
      if (((i - home) & in.mask) < ((i - hole) & in.mask))
        continue; // between the hole and here it would not be found
      in.all[hole].write(key, in.all[i].what());
      hole = i;
    }
    in.all[hole].write(nobody, {});
  }
};

} // namespace

session_hash session_hash_of(const std::array<unsigned char, 32>& digest) noexcept {
  return std::bit_cast<session_hash>(digest);
}

std::optional<session_hash> session_hash_of(std::string_view hexadecimal) noexcept {
  std::array<unsigned char, 32> digest{};
  if (hexadecimal.size() != 2 * digest.size())
    return std::nullopt;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const auto* from = hexadecimal.data() + 2 * i;
    if (const auto [end, wrong] = std::from_chars(from, from + 2, digest[i], 16);
        wrong != std::errc() || end != from + 2)
      return std::nullopt;
  }
  return session_hash_of(digest);
}

std::string session_text(const session_hash& of) {
  std::string text;
  for (const auto octet : std::bit_cast<std::array<unsigned char, 32>>(of)) {
    text += "0123456789abcdef"[octet >> 4];
    text += "0123456789abcdef"[octet & 15];
  }
  return text;
}

struct session_table::impl {
  explicit impl(std::size_t max) : sessions_max(max) {
    for (auto& one : parts) {
      one.arrays.push_back(std::make_unique<slots>(slots_min));
      one.now.store(one.arrays.back().get(), memory_order_relaxed);
    }
  }
  part& part_of(const session_hash& key) { return parts[key[3] % part_count]; }

  // With `guard` held:
  bool erase(const session_hash& key) {
    auto& in = part_of(key);
    const auto place = part::place_of(*in.arrays.back(), key);
    const auto was = in.arrays.back()->all[place].what();
    if (in.arrays.back()->all[place].key() == nobody)
      return false;
    {
      const part::writing turn(in);
      in.close_up(place);
      --in.used;
    }
    --size;
    unknown -= was.account == 0;
    forget(was.account, key);
    return true;
  }
  void forget(id account, const session_hash& key) {
    const auto [from, to] = by_account.equal_range(account);
    const auto it = std::find_if(from, to, [&](const auto& one) { return one.second == key; });
    if (it != to)
      by_account.erase(it);
  }
  /// For tokens that are nobody's the whole table is looked through at most once a second: whoever makes them up must not keep it busy.
  bool makes_room(id account, std::int64_t now_us) {
    const auto full = [&] { return size >= sessions_max || (account == 0 && unknown >= unknown_max); };
    if (full() && (account != 0 || now_us >= next_look_us)) {
      next_look_us = now_us + 1'000'000;
      expire(now_us);
    }
    return !full();
  }
  std::size_t expire(std::int64_t now_us) {
    std::vector<session_hash> over;
    for (auto& in : parts)
      for (std::size_t i = 0; i <= in.arrays.back()->mask; ++i)
        if (const auto& one = in.arrays.back()->all[i]; one.key() != nobody && one.what().until_us <= now_us)
          over.push_back(one.key());
    for (const auto& one : over)
      erase(one);
    return over.size();
  }

  const std::size_t sessions_max;
  std::array<part, part_count> parts;

  mutable std::mutex guard; // writers'; a reader never takes it
  std::size_t size = 0;
  std::int64_t next_look_us = 0;
  std::vector<session_hash> in_use;
  std::size_t unknown = 0; // entries of account 0
  std::atomic<std::uint64_t> changes = 0;
  std::unordered_multimap<id, session_hash> by_account; // not those of account 0

  std::map<std::string, std::uint32_t, std::less<>> tiers;
  std::array<std::atomic<const std::string*>, tiers_max> tier_texts{}; // into `tiers`, whose nodes stay
};

session_table::session_table(std::size_t sessions_max) : impl_(std::make_unique<impl>(sessions_max)) {
  tier("");
}
session_table::~session_table() = default;

std::optional<known_session> session_table::find(const session_hash& of, std::int64_t now_us) const noexcept {
  const auto& in = impl_->part_of(of);
  for (int look = 0; look < looks_max; ++look) {
    const auto before = in.turn.load(memory_order_acquire);
    if (before % 2 != 0)
      continue;
    const auto& all = *in.now.load(memory_order_acquire);
    // While it is written, an array might show no empty slot for a moment: so no more steps than it has.
    std::optional<known_session> found;
    for (std::size_t i = of[0] & all.mask, steps = 0; steps <= all.mask; i = (i + 1) & all.mask, ++steps) {
      const auto key = all.all[i].key();
      if (key == of)
        found = all.all[i].what();
      if (key == of || key == nobody)
        break;
    }
    if (in.turn.load(memory_order_acquire) != before)
      continue;
    return found && found->until_us > now_us ? found : std::nullopt;
  }
  return std::nullopt;
}

std::uint64_t session_table::changes() const noexcept {
  return impl_->changes.load(memory_order_acquire);
}

bool session_table::put(const session_hash& of, const known_session& what, std::int64_t now_us, std::uint64_t as_of) {
  if (of == nobody || what.until_us <= now_us)
    return false;
  std::lock_guard lock(impl_->guard);
  if (impl_->changes.load(memory_order_relaxed) != as_of)
    return false;
  auto& in = impl_->part_of(of);
  const auto* there = &in.arrays.back()->all[part::place_of(*in.arrays.back(), of)];
  const bool fresh = there->key() == nobody;
  if (fresh && !impl_->makes_room(what.account, now_us))
    return false;
  if (!fresh)
    impl_->forget(there->what().account, of);
  if (what.account != 0)
    impl_->by_account.emplace(what.account, of);
  impl_->unknown += (what.account == 0) - (!fresh && there->what().account == 0);
  const part::writing turn(in);
  if (fresh) {
    if ((in.used + 1) * 4 > (in.arrays.back()->mask + 1) * 3)
      in.grow();
    ++in.used;
    ++impl_->size;
  }
  const auto& now = *in.arrays.back();
  now.all[part::place_of(now, of)].write(of, what);
  return true;
}

void session_table::touch(const session_hash& of, std::int64_t now_us, std::int64_t pause_us) {
  const std::unique_lock lock(impl_->guard, std::try_to_lock);
  if (!lock) // a loop waits for nobody: the session's next request notes it
    return;
  auto& in = impl_->part_of(of);
  auto& there = in.arrays.back()->all[part::place_of(*in.arrays.back(), of)];
  if (there.key() == nobody || there.touched_us.load(memory_order_relaxed) + pause_us > now_us)
    return;
  there.touched_us.store(now_us, memory_order_release); // one word: no reader sees half of it
  if (impl_->in_use.size() < used_max)
    impl_->in_use.push_back(of);
}

std::vector<session_hash> session_table::take_used(std::size_t most) {
  std::lock_guard lock(impl_->guard);
  auto& all = impl_->in_use;
  const auto from = all.end() - static_cast<std::ptrdiff_t>(std::min(most, all.size()));
  std::vector<session_hash> taken(from, all.end());
  all.erase(from, all.end());
  return taken;
}

bool session_table::erase(const session_hash& of) {
  std::lock_guard lock(impl_->guard);
  impl_->changes.fetch_add(1, memory_order_release);
  return of != nobody && impl_->erase(of);
}

std::size_t session_table::erase_account(id account) {
  std::lock_guard lock(impl_->guard);
  impl_->changes.fetch_add(1, memory_order_release);
  std::vector<session_hash> all;
  const auto [from, to] = impl_->by_account.equal_range(account);
  for (auto it = from; it != to; ++it)
    all.push_back(it->second);
  for (const auto& one : all)
    impl_->erase(one);
  return all.size();
}

void session_table::clear() {
  std::lock_guard lock(impl_->guard);
  impl_->changes.fetch_add(1, memory_order_release);
  impl_->expire(INT64_MAX);
}

std::size_t session_table::expire(std::int64_t now_us) {
  std::lock_guard lock(impl_->guard);
  return impl_->expire(now_us);
}

std::size_t session_table::size() const {
  std::lock_guard lock(impl_->guard);
  return impl_->size;
}

std::optional<std::uint32_t> session_table::tier(std::string_view text) {
  std::lock_guard lock(impl_->guard);
  if (const auto it = impl_->tiers.find(text); it != impl_->tiers.end())
    return it->second;
  if (impl_->tiers.size() >= tiers_max)
    return {};
  const auto number = static_cast<std::uint32_t>(impl_->tiers.size());
  const auto it = impl_->tiers.emplace(text, number).first;
  impl_->tier_texts[number].store(&it->first, memory_order_release);
  return number;
}

std::string_view session_table::tier_text(std::uint32_t number) const noexcept {
  const auto* text = number < tiers_max ? impl_->tier_texts[number].load(memory_order_acquire) : nullptr;
  return text ? std::string_view(*text) : std::string_view{};
}

} // namespace lyceum
