// SPDX-License-Identifier: Apache-2.0
#include "tests/actors/pages.hpp"

#include <brotli/decode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

namespace lyceum {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string gunzipped(std::string_view bytes) {
  z_stream stream{};
  inflateInit2(&stream, 15 + 16);
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::string unbrotlied(std::string_view bytes) {
  std::string out(1 << 20, '\0');
  std::size_t size = out.size();
  EXPECT_EQ(BrotliDecoderDecompress(bytes.size(), reinterpret_cast<const std::uint8_t*>(bytes.data()), &size,
                                    reinterpret_cast<std::uint8_t*>(out.data())),
            BROTLI_DECODER_RESULT_SUCCESS);
  out.resize(size);
  return out;
}

TEST(page, a_head_says_everything_that_a_browser_must_know) {
  auto answer = answer_of("<p>hi</p>");
  answer.headers = {{"Content-Language", "fr"}, {"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"}};
  auto made = make_page(std::move(answer), "/courses/:course");
  std::string head(made->identity->head);
  EXPECT_THAT(head, HasSubstr("Content-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 9\r\n"));
  EXPECT_THAT(head, HasSubstr("Cache-Control: public, no-cache\r\n"));
  EXPECT_THAT(head, HasSubstr("Vary: Accept-Encoding\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Language: fr\r\n"));
  EXPECT_THAT(head, HasSubstr("ETag: " + std::string(made->identity->etag) + "\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Content-Type-Options: nosniff\r\n"));
  EXPECT_THAT(head, HasSubstr("frame-ancestors 'none'"));
  EXPECT_THAT(head, Not(HasSubstr("unsafe-inline")));
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_EQ(head.find("\r\n\r\n"), head.size() - 4) << "the empty line stands only at the end";
  EXPECT_EQ(made->identity->whole(), head + "<p>hi</p>");
  EXPECT_EQ(made->modified_s, 784111777);
  EXPECT_EQ(made->route, "/courses/:course");
}

TEST(page, a_304_has_what_could_have_changed_and_nothing_about_a_body) {
  auto made = with_encodings(*page_of(long_text(5000)), 5);
  for (const auto& one : {made->identity, made->gzip, made->brotli}) {
    ASSERT_TRUE(one);
    std::string head(one->head_304);
    EXPECT_THAT(head, StartsWith("ETag: " + std::string(one->etag) + "\r\n"));
    EXPECT_THAT(head, HasSubstr("Cache-Control: "));
    EXPECT_THAT(head, HasSubstr("Vary: "));
    EXPECT_THAT(head, Not(HasSubstr("Content-Length")));
    EXPECT_THAT(head, Not(HasSubstr("Content-Type:")));
    EXPECT_THAT(head, Not(HasSubstr("Content-Encoding")));
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  }
}

TEST(page, a_tiers_page_is_private_and_what_is_named_by_content_is_kept_a_year) {
  EXPECT_THAT(std::string(make_page(answer_of("x"), "/", {access::kind::members, {}})->identity->head),
              HasSubstr("Cache-Control: private, no-cache\r\n"));
  auto asset = answer_of("x");
  asset.cache.what = cache_rule::kind::immutable;
  asset.content_type = "text/css; charset=utf-8";
  auto made = make_page(std::move(asset), "/assets/:name");
  EXPECT_THAT(std::string(made->identity->head), HasSubstr("Cache-Control: public, max-age=31536000, immutable\r\n"));
  EXPECT_THAT(std::string(made->identity->head), Not(HasSubstr("Content-Security-Policy")));
  EXPECT_TRUE(made->immutable);
}

TEST(page, an_svg_opened_by_itself_runs_no_script) {
  auto picture = answer_of("<svg/>");
  picture.content_type = "image/svg+xml";
  EXPECT_THAT(std::string(make_page(std::move(picture), "/")->identity->head), HasSubstr("sandbox\r\n"));
}

TEST(page, what_is_personal_passing_or_malformed_is_never_kept_and_left_as_it_was) {
  auto kept = [](auto change) {
    auto answer = answer_of("body");
    change(answer);
    bool is = make_page(std::move(answer), "/") != nullptr;
    if (!is) {
      EXPECT_EQ(answer.body, "body");
    }
    return is;
  };
  EXPECT_TRUE(kept([](response&) {}));
  EXPECT_TRUE(kept([](response& one) { one.status = 308; }));
  EXPECT_FALSE(kept([](response& one) { one.headers = {{"set-cookie", "a=b"}}; }));
  EXPECT_FALSE(kept([](response& one) { one.cache.what = cache_rule::kind::never; }));
  EXPECT_FALSE(kept([](response& one) { one.cache.what = cache_rule::kind::file; }));
  EXPECT_FALSE(kept([](response& one) { one.file = file_body{}; }));
  EXPECT_FALSE(kept([](response& one) { one.status = 503; }));
  EXPECT_FALSE(kept([](response& one) { one.status = 500; }));
  EXPECT_FALSE(kept([](response& one) { one.headers = {{"Location", "/a\r\nSet-Cookie: b"}}; }));
  EXPECT_FALSE(kept([](response& one) { one.headers = {{"Bad Name", "x"}}; }));
  EXPECT_FALSE(kept([](response& one) { one.content_type = "text/html\n"; }));
}

TEST(page, a_header_that_is_ours_is_not_said_twice) {
  auto answer = answer_of("x");
  answer.headers = {{"cache-control", "max-age=9"}, {"ETag", "\"z\""}, {"content-length", "7"}};
  std::string head(make_page(std::move(answer), "/")->identity->head);
  EXPECT_THAT(head, Not(HasSubstr("max-age=9")));
  EXPECT_THAT(head, Not(HasSubstr("\"z\"")));
  EXPECT_THAT(head, Not(HasSubstr("content-length")));
}

TEST(page, encodings_hold_the_same_body_under_etags_of_their_own) {
  auto text = long_text(20000);
  auto made = with_encodings(*page_of(text), 5);
  EXPECT_EQ(gunzipped(made->gzip->body), text);
  EXPECT_EQ(unbrotlied(made->brotli->body), text);
  EXPECT_NE(made->gzip->etag, made->identity->etag);
  EXPECT_NE(made->gzip->etag, made->brotli->etag);
  EXPECT_THAT(std::string(made->gzip->head), HasSubstr("Content-Encoding: gzip\r\n"));
  EXPECT_THAT(std::string(made->brotli->head), HasSubstr("Content-Encoding: br\r\n"));
  EXPECT_THAT(std::string(made->brotli->head),
              HasSubstr("Content-Length: " + std::to_string(made->brotli->body.size()) + "\r\n"));
  EXPECT_THAT(std::string(made->brotli->head), HasSubstr("Content-Type: text/html"));
}

TEST(page, nothing_is_encoded_that_would_not_gain) {
  EXPECT_FALSE(with_encodings(*page_of(long_text(1000)), 5)->gzip);
  std::string noise;
  for (std::uint32_t i = 1, x = 1; i < 5000; ++i)
    noise += static_cast<char>((x = x * 1664525u + 1013904223u) >> 24);
  EXPECT_FALSE(with_encodings(*page_of(noise), 5)->gzip);
  EXPECT_FALSE(with_encodings(*page_of(noise), 5)->brotli);
}

TEST(page, equal_bodies_have_equal_etags_and_others_do_not) {
  EXPECT_EQ(page_of("one")->identity->etag, page_of("one")->identity->etag);
  EXPECT_NE(page_of("one")->identity->etag, page_of("two")->identity->etag);
}

TEST(page, accept_encoding_is_read_as_rfc_9110_says) {
  constexpr unsigned both = accepts_gzip | accepts_brotli;
  EXPECT_EQ(accepted_encodings(""), 0u);
  EXPECT_EQ(accepted_encodings("gzip, deflate, br"), both);
  EXPECT_EQ(accepted_encodings("GZIP"), accepts_gzip);
  EXPECT_EQ(accepted_encodings("gzip;q=0, br"), accepts_brotli);
  EXPECT_EQ(accepted_encodings("gzip; q=0.000 , br ; q=0.001"), accepts_brotli);
  EXPECT_EQ(accepted_encodings("*"), both);
  EXPECT_EQ(accepted_encodings("*;q=0"), 0u);
  EXPECT_EQ(accepted_encodings("*, gzip;q=0"), accepts_brotli);
  EXPECT_EQ(accepted_encodings("gzip;q=0, *"), accepts_brotli);
  EXPECT_EQ(accepted_encodings("identity"), 0u);
  EXPECT_EQ(accepted_encodings("br;q=nonsense"), 0u);
  EXPECT_EQ(accepted_encodings(",,;;=, gzip"), accepts_gzip);
  EXPECT_EQ(accepted_encodings("brotli, gzipped"), 0u);
}

TEST(page, brotli_goes_before_gzip_before_identity) {
  auto whole = with_encodings(*page_of(long_text(5000)), 5);
  EXPECT_EQ(&choose(*whole, accepts_gzip | accepts_brotli), whole->brotli.get());
  EXPECT_EQ(&choose(*whole, accepts_gzip), whole->gzip.get());
  EXPECT_EQ(&choose(*whole, 0), whole->identity.get());
  auto bare = page_of("x");
  EXPECT_EQ(&choose(*bare, accepts_gzip | accepts_brotli), bare->identity.get());
}

TEST(page, if_none_match_compares_weakly_with_every_encoding) {
  auto made = with_encodings(*page_of(long_text(5000)), 5);
  std::string plain(made->identity->etag), gzip(made->gzip->etag), br(made->brotli->etag);
  EXPECT_TRUE(matches_any(*made, plain));
  EXPECT_TRUE(matches_any(*made, gzip));
  EXPECT_TRUE(matches_any(*made, "W/" + br));
  EXPECT_TRUE(matches_any(*made, "\"other, with comma\",\t" + br));
  EXPECT_TRUE(matches_any(*made, " * "));
  EXPECT_FALSE(matches_any(*made, ""));
  EXPECT_FALSE(matches_any(*made, "\"other\""));
  EXPECT_FALSE(matches_any(*made, plain.substr(1)));
  EXPECT_FALSE(matches_any(*made, "\"\""));
  EXPECT_TRUE(matches_any(*page_of(long_text(5000)), br)) << "made from the same body, though not encoded yet";
}

TEST(page, if_modified_since_compares_times) {
  auto answer = answer_of("x");
  answer.headers = {{"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"}};
  auto made = make_page(std::move(answer), "/");
  EXPECT_TRUE(unmodified_since(*made, "Sun, 06 Nov 1994 08:49:37 GMT"));
  EXPECT_TRUE(unmodified_since(*made, "Mon, 07 Nov 1994 08:49:37 GMT"));
  EXPECT_FALSE(unmodified_since(*made, "Sun, 06 Nov 1994 08:49:36 GMT"));
  EXPECT_FALSE(unmodified_since(*made, "yesterday"));
  EXPECT_FALSE(unmodified_since(*page_of("x"), "Sun, 06 Nov 2094 08:49:37 GMT"));
}

TEST(page, only_real_dates_are_dates) {
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(parse_http_date("Sat, 29 Feb 2020 00:00:00 GMT"), 1582934400);
  EXPECT_EQ(parse_http_date("Fri, 29 Feb 2019 00:00:00 GMT"), -1);
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 24:49:37 GMT"), -1);
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 -8:49:37 GMT"), -1);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), -1);
  EXPECT_EQ(parse_http_date(""), -1);
}

TEST(page, every_status_has_its_line) {
  EXPECT_EQ(status_line(200), "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(status_line(404), "HTTP/1.1 404 Not Found\r\n");
  EXPECT_EQ(status_line(299), "HTTP/1.1 299 \r\n");
  EXPECT_EQ(status_line(-5), "HTTP/1.1 500 \r\n");
}

} // namespace
} // namespace lyceum
