// SPDX-License-Identifier: Apache-2.0
#include "views/theme.hpp"

#include "storage/model/embedded.hpp"
#include "views/escape.hpp"
#include "views/mail/source.hpp"
#include "views/texts.hpp"
#include "views/url.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <kainjow/mustache.hpp>
#include <openssl/sha.h>
#include <set>
#include <stdexcept>

namespace lyceum::views::embedded {
std::span<const embedded_file> theme_files(); // made by lyceum_embed()
}

namespace lyceum::views {
namespace {

namespace mu = kainjow::mustache;

mu::data to_data(const model& m) {
  struct visitor {
    mu::data operator()(bool flag) const { return mu::data{flag}; }
    // An empty text is "no" for a section; as a variable both give nothing.
    mu::data operator()(const std::string& text) const { return text.empty() ? mu::data{false} : mu::data{text}; }
    mu::data operator()(const model::list& items) const {
      mu::data out{mu::data::type::list};
      for (const auto& item : items)
        out.push_back(to_data(item));
      return out;
    }
    mu::data operator()(const model::object& names) const {
      mu::data out{mu::data::type::object};
      for (const auto& [name, value] : names)
        out[name] = to_data(value);
      return out;
    }
  };
  return std::visit(visitor{}, m.value());
}

using flat_names = std::map<std::string, mu::data, std::less<>>;

// Looks in the page's values, then in what every page may name.
class page_context : public mu::basic_context<std::string> {
public:
  page_context(const mu::data& root, const flat_names& texts, const flat_names& assets, unknown_name unknown)
      : texts_(texts), assets_(assets), unknown_(unknown) {
    scopes_.push_back(&root);
  }
  void push(const mu::data* scope) override { scopes_.push_back(scope); }
  void pop() override { scopes_.pop_back(); }

  const mu::data* get(const std::string& name) const override {
    if (name == ".")
      return scopes_.back();
    if (name.starts_with("t."))
      return find(texts_, name);
    if (name.starts_with("asset."))
      return find(assets_, name);
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
      if (const auto* value = (*scope)->get(name))
        return value;
    refuse(name);
    return nullptr;
  }
  const mu::data* get_partial(const std::string&) const override { return nullptr; } // set in place when loaded

private:
  const mu::data* find(const flat_names& table, const std::string& name) const {
    if (const auto row = table.find(name); row != table.end())
      return &row->second;
    refuse(name);
    return nullptr;
  }
  void refuse(const std::string& name) const {
    if (unknown_ == unknown_name::fails)
      throw std::logic_error{"a template names what its model lacks: " + name};
  }

  std::vector<const mu::data*> scopes_;
  const flat_names& texts_;
  const flat_names& assets_;
  unknown_name unknown_;
};

// mu::mustache::render() is not const, yet writes only where a lambda or partial fails: we have neither.
struct page_template {
  std::string source;
  mutable mu::mustache parsed;
};

std::string extension(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string{} : std::string{name.substr(dot)};
}

std::string stem(std::string_view name) {
  return std::string{name.substr(0, name.rfind('.'))};
}

// A file of the look as it was found: `shown` is what an error calls it.
struct source_file {
  std::string text;
  std::string shown;
};
using source_files = std::map<std::string, source_file, std::less<>>; // "pages/lesson.mustache"

int line_of(std::string_view text, std::size_t position) {
  return 1 + static_cast<int>(std::count(
                 text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(position, text.size())), '\n'));
}

tl::unexpected<problem> fault(const source_file& file, std::size_t position, const std::string& what) {
  return fail(problem::kind::invalid, file.shown + ":" + std::to_string(line_of(file.text, position)) + ": " + what);
}

// Each file is parsed by itself first, so that an error names its own line and no section spans two files.
expected<void> check_template(const source_file& file) {
  const mu::mustache alone{file.text};
  if (alone.is_valid())
    return {};
  const std::string& message = alone.error_message(); // "Unclosed section "x" at 120"
  const auto at = message.rfind(" at ");
  std::size_t position = 0;
  if (at != std::string::npos && at + 4 < message.size())
    position = static_cast<std::size_t>(std::strtoull(message.c_str() + at + 4, nullptr, 10));
  return fault(file, position, message.substr(0, at));
}

constexpr int partial_depth_max = 8;

// Puts partials in the place of their tags, and the page in the place of {{> content}}, so that a page is one parsed text.
expected<std::string> assemble(const source_files& files, const source_file& file, const source_file* content,
                               int depth) {
  if (depth > partial_depth_max)
    return fault(file, 0, "partials include each other more than " + std::to_string(partial_depth_max) + " deep");
  std::string out;
  std::size_t done = 0;
  for (auto tag = file.text.find("{{>"); tag != std::string::npos; tag = file.text.find("{{>", done)) {
    const auto end = file.text.find("}}", tag);
    const auto first = file.text.find_first_not_of(' ', tag + 3);
    std::string name = file.text.substr(first, end - first);
    name.erase(name.find_last_not_of(' ') + 1);
    const source_file* inner = nullptr;
    if (name == "content")
      inner = content;
    else if (const auto found = files.find("partials/" + name + ".mustache"); found != files.end())
      inner = &found->second;
    if (inner == nullptr)
      return fault(file, tag, "there is no partials/" + name + ".mustache");
    const auto text = assemble(files, *inner, name == "content" ? nullptr : content, depth + 1);
    if (!text)
      return text;
    out.append(file.text, done, tag - done);
    out.append(*text);
    done = end + 2;
    // The partial ends its own last line.
    if (!text->empty() && text->back() == '\n' && done < file.text.size() && file.text[done] == '\n')
      ++done;
  }
  out.append(file.text, done);
  return out;
}

std::string hash_of(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  static constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < 6; ++i) {
    out += hex[digest[i] >> 4U];
    out += hex[digest[i] & 0xFU];
  }
  return out;
}

constexpr auto content_types = std::to_array<std::pair<std::string_view, std::string_view>>({
    {".css", "text/css; charset=utf-8"},
    {".gif", "image/gif"},
    {".ico", "image/x-icon"},
    {".jpeg", "image/jpeg"},
    {".jpg", "image/jpeg"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".png", "image/png"},
    {".svg", "image/svg+xml; charset=utf-8"},
    {".txt", "text/plain; charset=utf-8"},
    {".webp", "image/webp"},
    {".woff2", "font/woff2"},
});

std::string_view content_type_of(std::string_view name) {
  const std::string wanted = extension(name);
  for (const auto& [known, type] : content_types)
    if (known == wanted)
      return type;
  return {};
}

bool is_mail(std::string_view name) {
  return name.starts_with("mail/");
}

bool is_template(std::string_view name) {
  return (is_mail(name) || name.starts_with("layouts/") || name.starts_with("pages/") ||
          name.starts_with("partials/")) &&
         extension(name) == ".mustache";
}

expected<std::string> read_file(const std::filesystem::path& path, std::size_t bytes_max) {
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return fail(problem::kind::invalid, path.string() + ":1: cannot be read");
  std::string text(bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > bytes_max)
    return fail(problem::kind::too_large,
                path.string() + ": larger than " + std::to_string(bytes_max / 1024) + " KiB, the most for its kind");
  return text;
}

// The folder's files take the place of ours. A page that we do not have is a slip of the pen: nothing would ever show it.
expected<void> overlay(source_files& files, const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return fail(problem::kind::not_found, folder.string() + ": there is no such theme folder");
  std::size_t count = 0;
  for (const char* sub : {"layouts", "pages", "partials", "mail", "assets"}) {
    if (!fs::is_directory(folder / sub, error))
      continue;
    for (const auto& entry : fs::directory_iterator{folder / sub, error}) {
      const std::string base = entry.path().filename().string();
      if (!entry.is_regular_file(error) || base.starts_with("."))
        continue;
      if (++count > theme_files_max)
        return fail(problem::kind::too_large,
                    folder.string() + ": more than " + std::to_string(theme_files_max) + " files");
      const std::string name = std::string{sub} + "/" + base;
      const bool known = files.contains(name);
      const bool is_asset = std::string_view{sub} == "assets";
      if (is_asset ? content_type_of(base).empty() : !is_template(name))
        return fail(problem::kind::invalid,
                    entry.path().string() + ":1: not a kind of file that belongs into " + sub + "/");
      if (!known && (name.starts_with("pages/") || name.starts_with("layouts/")))
        return fail(problem::kind::invalid,
                    entry.path().string() + ":1: replaces nothing: there is no " + name + " of ours");
      auto text = read_file(entry.path(), is_asset ? theme_asset_bytes_max : theme_template_bytes_max);
      if (!text)
        return tl::unexpected<problem>(text.error());
      files[name] = {std::move(*text), entry.path().string()};
    }
    if (error)
      return fail(problem::kind::invalid, (folder / sub).string() + ":1: cannot be read: " + error.message());
  }
  return {};
}

} // namespace

struct theme::parts {
  std::map<std::string, page_template, std::less<>> pages;
  std::map<std::string, mail::source, std::less<>> mails; // "sign_in.de"
  std::vector<asset> assets;
  std::map<std::string, flat_names, std::less<>> texts; // by language of the interface
  flat_names asset_urls;
  unknown_name unknown = unknown_name::blank;
};

theme::theme(std::unique_ptr<parts> p) : parts_(std::move(p)) {}
theme::~theme() = default;

std::string theme::render(std::string_view page, const model& values, std::string_view language) const {
  const auto found = parts_->pages.find(page);
  if (found == parts_->pages.end())
    throw std::out_of_range{"no page template " + std::string{page}};
  const mu::data root = to_data(values);
  page_context context{root, parts_->texts.find(interface_language(language))->second, parts_->asset_urls,
                       parts_->unknown};
  return found->second.parsed.render(context);
}

const asset* theme::find_asset(std::string_view hashed_name) const {
  const auto found = std::find_if(parts_->assets.begin(), parts_->assets.end(),
                                  [&](const asset& a) { return a.hashed_name == hashed_name; });
  return found == parts_->assets.end() ? nullptr : &*found;
}

std::string theme::asset_url(std::string_view name) const {
  const auto found =
      std::find_if(parts_->assets.begin(), parts_->assets.end(), [&](const asset& a) { return a.name == name; });
  return found == parts_->assets.end() ? std::string{} : url::asset(found->hashed_name);
}

const std::vector<asset>& theme::assets() const {
  return parts_->assets;
}

std::vector<std::string> theme::pages() const {
  std::vector<std::string> out;
  for (const auto& [name, page] : parts_->pages)
    out.push_back(name);
  return out;
}

const std::string& theme::source(std::string_view page) const {
  const auto found = parts_->pages.find(page);
  if (found == parts_->pages.end())
    throw std::out_of_range{"no page template " + std::string{page}};
  return found->second.source;
}

const mail::source* theme::find_mail(std::string_view name, std::string_view language) const {
  const auto found = parts_->mails.find(std::string{name}.append(".").append(language));
  return found == parts_->mails.end() ? nullptr : &found->second;
}

std::vector<std::string> theme::mails() const {
  std::vector<std::string> out;
  for (const auto& [name, mail] : parts_->mails)
    out.push_back(name);
  return out;
}

namespace {

// "mail/sign_in.de.mustache" to "sign_in.de". A new language is welcome, a new mail is a slip of the pen: nothing would send it.
expected<std::pair<std::string, mail::source>> read_mail(const std::string& name, const source_file& file,
                                                         unknown_name unknown) {
  const std::string both = stem(name.substr(5));
  const std::string language = extension(both);
  const auto* kind = mail::find_kind(stem(both));
  if (kind == nullptr || language.size() < 3 ||
      language.find_first_not_of(".-abcdefghijklmnopqrstuvwxyz0123456789") != std::string::npos)
    return fault(file, 0, "not the name of a mail and a language, as sign_in.de.mustache");
  auto made = mail::parse(file.text, *kind, unknown == unknown_name::fails);
  if (!made)
    return fail(problem::kind::invalid,
                file.shown + ":" + std::to_string(made.error().line) + ": " + made.error().what);
  return std::pair{both, std::move(*made)};
}

} // namespace

expected<std::shared_ptr<const theme>> load_theme(const std::optional<std::filesystem::path>& folder,
                                                  unknown_name unknown) {
  source_files files;
  for (const auto& file : embedded::theme_files())
    files[std::string{file.name}] = {std::string{file.bytes}, std::string{file.name}};
  if (folder)
    if (const auto laid = overlay(files, *folder); !laid)
      return tl::unexpected<problem>(laid.error());

  auto parts = std::make_unique<theme::parts>();
  parts->unknown = unknown;
  for (const auto& [name, file] : files) {
    if (is_mail(name)) {
      auto mail = read_mail(name, file, unknown);
      if (!mail)
        return tl::unexpected<problem>(mail.error());
      parts->mails.insert(std::move(*mail));
    } else if (is_template(name)) {
      if (const auto sound = check_template(file); !sound)
        return tl::unexpected<problem>(sound.error());
    } else {
      const std::string base = name.substr(name.find('/') + 1);
      const std::string hashed = stem(base) + "." + hash_of(file.text) + extension(base);
      parts->assets.push_back({base, hashed, std::string{content_type_of(base)}, file.text});
      parts->asset_urls.emplace("asset." + base, mu::data{url::asset(hashed)});
    }
  }

  const auto& room = files.at("layouts/site.mustache");
  const auto& panel = files.at("layouts/ops.mustache");
  for (const auto& [name, file] : files) {
    if (!name.starts_with("pages/"))
      continue;
    const std::string page = stem(name.substr(6));
    const auto& layout = page.starts_with("ops") ? panel : room;
    // Feeds are not HTML: "rss.xml" stands without a layout.
    auto text = page.ends_with(".xml") ? assemble(files, file, nullptr, 0) : assemble(files, layout, &file, 0);
    if (!text)
      return tl::unexpected<problem>(text.error());
    mu::mustache parsed{*text};
    parsed.set_custom_escape([](const std::string& value) { return escaped(value); });
    if (!parsed.is_valid())
      return fault(file, 0, parsed.error_message());
    parts->pages.emplace(page, page_template{std::move(*text), std::move(parsed)});
  }

  for (const auto language : interface_languages()) {
    flat_names& names = parts->texts[std::string{language}];
    for (const auto& [key, text] : texts_in(language))
      names.emplace("t." + std::string{key}, mu::data{std::string{text}});
  }
  return std::make_shared<const theme>(std::move(parts));
}

} // namespace lyceum::views
