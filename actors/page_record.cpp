// SPDX-License-Identifier: Apache-2.0
#include "actors/page_record.hpp"

#include "actors/page_hash.hpp"

#include <cstring>

namespace lyceum::page_record {
namespace {

constexpr std::uint32_t mark_of_record = 0x3152504c; // "LPR1"
constexpr std::uint64_t seed = 0x70616765;
constexpr std::size_t encodings_max = 3;
constexpr std::uint8_t is_immutable = 1, is_alike = 2;

template <class Number>
void append(std::string& to, Number value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void append(std::string& to, std::string_view text) {
  append(to, static_cast<std::uint32_t>(text.size()));
  to.append(text);
}

/// Takes values off the front of facts; once something is missing all that follows is empty.
struct reader_of {
  std::string_view left;
  bool sound = true;

  std::string_view take(std::size_t bytes) {
    sound = sound && bytes <= left.size();
    auto front = left.substr(0, sound ? bytes : 0);
    left.remove_prefix(front.size());
    return front;
  }
  template <class Number>
  Number number() {
    Number value{};
    auto from = take(sizeof value);
    if (sound)
      std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  std::string_view text() { return take(number<std::uint32_t>()); }
};

std::uint64_t sum_of_facts(const prologue& first, std::string_view facts) {
  auto fields = std::string_view(reinterpret_cast<const char*>(&first), offsetof(prologue, facts_sum));
  return quick_hash(facts, quick_hash(fields, seed));
}

outgoing finish(kind what, std::string facts, std::vector<std::string_view> bytes) {
  constexpr std::string_view zeros{"\0\0\0\0\0\0\0", 7};
  outgoing made{.first = {.mark = mark_of_record, .what = what},
                .facts = std::move(facts),
                .bytes = std::move(bytes),
                .padding = {}};
  std::uint64_t size = sizeof(prologue) + made.facts.size();
  std::uint64_t sum = seed;
  for (auto piece : made.bytes) {
    size += piece.size();
    sum = quick_hash(piece, sum);
  }
  made.padding = zeros.substr(0, (8 - size % 8) % 8);
  made.first.size = size + made.padding.size();
  made.first.facts = made.facts.size();
  made.first.bytes_sum = sum;
  made.first.facts_sum = sum_of_facts(made.first, made.facts);
  return made;
}

void append_encoding(std::string& facts, const page_bytes* one) {
  append(facts, static_cast<std::uint8_t>(one != nullptr));
  if (!one)
    return;
  append(facts, static_cast<std::uint64_t>(one->head.size()));
  append(facts, static_cast<std::uint64_t>(one->body.size()));
  append(facts, static_cast<std::uint64_t>(one->head_304.data() - one->head.data()));
  append(facts, static_cast<std::uint64_t>(one->etag.data() - one->head.data()));
  append(facts, static_cast<std::uint64_t>(one->etag.size()));
}

/// The encoding described next in `facts`, whose bytes are the next in `bytes`. `sum` runs over them where they are
/// checked.
std::shared_ptr<const page_bytes> read_encoding(reader_of& facts, reader_of& bytes, std::uint64_t* sum,
                                                const std::shared_ptr<const file_in_memory>& owner) {
  if (facts.number<std::uint8_t>() == 0)
    return nullptr;
  auto head = facts.number<std::uint64_t>(), body = facts.number<std::uint64_t>();
  auto head_304 = facts.number<std::uint64_t>(), etag = facts.number<std::uint64_t>(),
       etag_size = facts.number<std::uint64_t>();
  facts.sound = facts.sound && head <= bytes.left.size() && body <= bytes.left.size() - head && head_304 <= head &&
                etag <= head && etag_size <= head - etag && etag_size >= 2;
  if (!facts.sound)
    return nullptr;
  auto all = bytes.take(head + body);
  if (sum)
    *sum = quick_hash(all, *sum);
  auto made = std::make_shared<page_bytes>();
  made->head = all.substr(0, head);
  made->body = all.substr(head);
  made->head_304 = made->head.substr(head_304);
  made->etag = made->head.substr(etag, etag_size);
  made->owner = owner;
  if (body >= file_in_memory::worth_it_from) {
    made->body_file = owner->fd;
    made->body_at = made->body.data() - owner->bytes.data();
  }
  return made;
}

/// False where the page's bytes are not what was written.
bool read_page(incoming& to, reader_of facts, reader_of bytes, const prologue& first, bool check_bytes,
               const std::shared_ptr<const file_in_memory>& owner) {
  auto made = std::make_shared<page>();
  made->route = facts.text();
  made->status = facts.number<std::int32_t>();
  made->content_seq = facts.number<std::int64_t>();
  made->fresh_until_us = facts.number<std::int64_t>();
  made->modified_s = facts.number<std::int64_t>();
  const auto flags = facts.number<std::uint8_t>();
  made->immutable = (flags & is_immutable) != 0;
  made->alike = (flags & is_alike) != 0;
  for (auto left = facts.number<std::uint32_t>(); left > 0 && facts.sound; --left)
    made->tags.emplace_back(facts.text());
  std::uint64_t sum = seed;
  for (auto* one : {&made->identity, &made->gzip, &made->brotli})
    *one = read_encoding(facts, bytes, check_bytes ? &sum : nullptr, owner);
  if (!facts.sound || !made->identity || (check_bytes && sum != first.bytes_sum))
    return false;
  to.made = std::move(made);
  return true;
}

} // namespace

outgoing of_page(const std::string& key, const page& what, bool stale) {
  std::string facts;
  append(facts, std::string_view(key));
  append(facts, std::string_view(what.route));
  append(facts, static_cast<std::int32_t>(what.status));
  append(facts, what.content_seq);
  append(facts, what.fresh_until_us);
  append(facts, what.modified_s);
  append(facts, static_cast<std::uint8_t>((what.immutable ? is_immutable : 0) | (what.alike ? is_alike : 0)));
  append(facts, static_cast<std::uint32_t>(what.tags.size()));
  for (const auto& tag : what.tags)
    append(facts, std::string_view(tag));
  std::vector<std::string_view> bytes;
  for (const auto* one : {what.identity.get(), what.gzip.get(), what.brotli.get()}) {
    append_encoding(facts, one);
    if (one)
      bytes.push_back(one->whole());
  }
  return finish(stale ? kind::stale_page : kind::page, std::move(facts), std::move(bytes));
}

outgoing of_erased(const std::string& key) {
  std::string facts;
  append(facts, std::string_view(key));
  return finish(kind::erased, std::move(facts), {});
}

outgoing of_evicted(const std::string& tag, std::int64_t seq) {
  std::string facts;
  append(facts, std::string_view(tag));
  append(facts, seq);
  return finish(kind::evicted, std::move(facts), {});
}

std::optional<incoming> read(std::string_view from, const std::shared_ptr<const file_in_memory>& owner,
                             bool check_bytes) {
  prologue first;
  if (from.size() < sizeof first)
    return std::nullopt;
  std::memcpy(&first, from.data(), sizeof first);
  if (first.mark != mark_of_record || first.size > from.size() || first.size < sizeof first ||
      first.facts > first.size - sizeof first)
    return std::nullopt;
  reader_of bytes{from.substr(0, first.size)};
  bytes.take(sizeof first);
  reader_of facts{bytes.take(first.facts)};
  if (first.facts_sum != sum_of_facts(first, facts.left))
    return std::nullopt;

  incoming made;
  made.what = first.what;
  made.size = first.size;
  made.name = facts.text();
  switch (first.what) {
  case kind::page:
  case kind::stale_page:
    if (!read_page(made, facts, bytes, first, check_bytes, owner))
      return std::nullopt;
    return made;
  case kind::erased:
    return made;
  case kind::evicted:
    made.seq = facts.number<std::int64_t>();
    return facts.sound ? std::optional(std::move(made)) : std::nullopt;
  }
  return std::nullopt;
}

} // namespace lyceum::page_record
