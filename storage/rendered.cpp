// SPDX-License-Identifier: Apache-2.0
// Texts' input and HTML, and coloured code.
#include "storage/catalogue.hpp"
#include "storage/changes.hpp"
#include "storage/digest.hpp"
#include "storage/json_text.hpp"

namespace lyceum::storage {
namespace {

constexpr query the_input{"rendered.the_input", R"sql(
  SELECT markdown, base_path, slugs, media, trusted_html FROM texts WHERE render_key = $1
)sql"};
constexpr query the_html{"rendered.the_html", R"sql(
  SELECT html, free_html, has_more, headings, blocks, coloured FROM rendered WHERE render_key = $1 AND renderer_version = $2
)sql"};
// A text that is gone meanwhile takes no HTML.
constexpr query put_html{"rendered.put_html", R"sql(
  INSERT INTO rendered (render_key, renderer_version, html, free_html, has_more, headings, blocks, coloured)
  SELECT t.render_key, CAST($2 AS BIGINT), $3, $4, $5, $6, $7, $8 FROM texts t WHERE t.render_key = $1
  ON CONFLICT (render_key, renderer_version) DO UPDATE SET html = excluded.html, free_html = excluded.free_html,
    has_more = excluded.has_more, headings = excluded.headings, blocks = excluded.blocks, coloured = excluded.coloured
)sql"};
// The version before stays, for a server of it that is still draining.
constexpr query delete_old_html{"rendered.delete_old_html",
                                "DELETE FROM rendered WHERE render_key = $1 AND renderer_version < $2"};

constexpr query without_html{"rendered.without_html", R"sql(
  SELECT t.render_key FROM texts t
   WHERE t.orphaned_at IS NULL
     AND NOT EXISTS (SELECT 1 FROM rendered r WHERE r.render_key = t.render_key AND r.renderer_version = $1)
   LIMIT $2
)sql"};
constexpr query not_coloured{"rendered.not_coloured", R"sql(
  SELECT r.render_key FROM rendered r JOIN texts t ON t.render_key = r.render_key
   WHERE r.renderer_version = $1 AND NOT r.coloured AND t.orphaned_at IS NULL
   LIMIT $2
)sql"};

constexpr query the_colours{"rendered.the_colours", R"sql(
  SELECT hash, html FROM highlighted
   WHERE hash IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
)sql"};
constexpr query put_colours{"rendered.put_colours", R"sql(
  INSERT INTO highlighted (hash, html) VALUES ($1, $2) ON CONFLICT (hash) DO UPDATE SET html = excluded.html
)sql"};
constexpr std::size_t hashes_at_once = 16;

} // namespace

std::string render_key(const render_input& input) {
  sha256 sum;
  sum.field(input.markdown).field(input.base_path).field(input.trusted_html ? 1 : 0);
  sum.field(static_cast<std::int64_t>(input.slugs.size()));
  for (const auto& [stem, slug] : input.slugs)
    sum.field(stem).field(slug);
  for (const auto& file : input.media)
    sum.field(file.name).field(file.url).field(file.width).field(file.height);
  return sum.hex();
}

expected<render_input> find_render_input(db& on, std::string_view key) {
  auto found = on.one(
      the_input,
      [](const row& r) {
        return render_input{r.text(0), r.text(1), json_text::to_pairs(r.view(2)), json_text::to_media(r.view(3)),
                            r.flag(4)};
      },
      key);
  if (!found)
    return fail(problem::kind::not_found, "text");
  return std::move(*found);
}

expected<rendered_text> find_rendered(db& on, std::string_view key, int renderer_version) {
  auto found = on.one(
      the_html,
      [](const row& r) {
        return rendered_text{
            r.text(0), r.text(1), r.flag(2), json_text::to_headings(r.view(3)), json_text::to_blocks(r.view(4)),
            r.flag(5)};
      },
      key, renderer_version);
  if (!found)
    return fail(problem::kind::needs_render, std::string(key));
  return std::move(*found);
}

void save_rendered(db& on, std::string_view key, int renderer_version, const rendered_text& text) {
  const auto save = [&] {
    const auto before = find_rendered(on, key, renderer_version);
    if (before && *before == text)
      return;
    on.exec(put_html, key, renderer_version, text.html, text.free_html, text.has_more,
            json_text::of_headings(text.headings), json_text::of_blocks(text.blocks), text.coloured);
    on.exec(delete_old_html, key, renderer_version - 1);
    if (before && (before->html != text.html || before->free_html != text.free_html))
      add_changes(on, {"text:" + std::string(key)}, now_utc());
  };
  if (on.in_transaction())
    save();
  else
    on.transaction(save);
}

std::vector<std::string> list_unrendered(db& on, int renderer_version, bool plain, int limit) {
  return on.all(
      plain ? not_coloured : without_html, [](const row& r) { return r.text(0); }, renderer_version, limit);
}

std::vector<std::pair<std::string, std::string>> find_colours(db& on, const std::vector<std::string>& hashes) {
  std::vector<std::pair<std::string, std::string>> all;
  for (std::size_t from = 0; from < hashes.size(); from += hashes_at_once) {
    std::array<parameter, hashes_at_once> some;
    for (std::size_t i = 0; i < hashes_at_once; ++i)
      some[i] = from + i < hashes.size() ? parameter(std::string_view(hashes[from + i])) : parameter();
    on.run(the_colours, some, [&](const row& r) {
      all.emplace_back(r.text(0), r.text(1));
      return true;
    });
  }
  return all;
}

void save_colours(db& on, const std::vector<std::pair<std::string, std::string>>& colours) {
  const auto save = [&] {
    for (const auto& [hash, html] : colours)
      on.exec(put_colours, hash, html);
  };
  if (on.in_transaction())
    save();
  else
    on.transaction(save);
}

} // namespace lyceum::storage
