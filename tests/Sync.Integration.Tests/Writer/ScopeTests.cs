using System.Net;
using System.Text;
using Shouldly;
using Sync.Client;
using Sync.Contracts;
using Sync.MessagePack;
using Sync.Transport;
using Xunit;

namespace Sync.Integration.Tests.Writer;

/// <summary>What collection replicas, verifiers and operators ask, on a real database and a real broker.</summary>
[Collection(WriterTests.Name)]
public sealed class ScopeTests(WriterFixture fixture)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private readonly string _group = $"g{Guid.NewGuid():N}";

    private string First => _group + "--a";

    private string Second => _group + "--b";

    [Fact]
    public async Task A_scope_is_loaded_in_pages_that_fit_a_message()
    {
        await using var bus = await fixture.ConnectAsync();
        var source = new BusCollectionSource(bus, Subjects.Default, Timeout);
        var large = $"\"{new string('x', 300_000)}\"";
        for (var index = 0; index < 8; index++) await PutAsync(First, "c", $"k{index}", large);
        await PutAsync(First, "empty", "gone", "1");
        var deleted = await fixture.Writer.DeleteAsync($"/v1/vaults/{First}/empty/gone");
        deleted.Status.ShouldBe(HttpStatusCode.OK);
        var (keys, pages) = (new List<string>(), 0);
        SyncedKey? after = null;
        while (true)
        {
            var page = await source.SnapshotAsync(SyncedPattern.OfVault(First), new(null, after, SnapshotRequest.LimitMax));
            pages++;
            page.Feed.ShouldBe(Feeds.Of(First, page.Feeds));
            page.Position.Value.ShouldBeGreaterThanOrEqualTo(10);
            keys.AddRange(page.Envelopes.Select(envelope => envelope.Key.Key));
            if (!page.More)
            {
                page.Collections.ShouldContain(new CollectionEntry(First, "empty", new(deleted.Number("position"))));
                break;
            }
            after = page.Envelopes[^1].Key;
        }
        pages.ShouldBeGreaterThan(2);
        keys.ShouldBe(["k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7"]);
    }

    [Fact]
    public async Task Changes_are_read_from_a_position_on_tombstones_among_them()
    {
        await using var bus = await fixture.ConnectAsync();
        var source = new BusCollectionSource(bus, Subjects.Default, Timeout);
        var large = $"\"{new string('x', 300_000)}\"";
        var first = await PutAsync(First, "c", "a", large);
        for (var index = 0; index < 6; index++) await PutAsync(First, "c", "a", large);
        await fixture.Writer.DeleteAsync($"/v1/vaults/{First}/c/a");
        await PutAsync(First, "other", "a", "1");
        var (feed, position) = (new FeedId((int)first.Number("feed")), new Position(first.Number("position")));
        var (sequences, pages) = (new List<long>(), 0);
        while (true)
        {
            var page = await source.ChangesAsync(SyncedPattern.OfCollection(First, "c"), new(feed, position, 1000));
            pages++;
            sequences.AddRange(page.Envelopes.Select(envelope => envelope.Sequence.Value));
            page.Through.ShouldBeGreaterThan(position);
            position = page.Through;
            if (page.Through == page.Position)
            {
                page.Envelopes[^1].IsTombstone.ShouldBeTrue();
                break;
            }
        }
        pages.ShouldBeGreaterThan(1);
        sequences.ShouldBe([2L, 3, 4, 5, 6, 7, 8]);
    }

    [Fact]
    public async Task A_group_holds_its_own_vaults_and_no_others()
    {
        await using var bus = await fixture.ConnectAsync();
        var source = new BusCollectionSource(bus, Subjects.Default, Timeout);
        foreach (var vault in new[] { First, Second, _group, _group + "x--a" }) await PutAsync(vault, "c", "k", "1");
        await PutAsync(Second, "d", "k", "2");
        var found = new List<SyncedKey>();
        for (var feed = 0; ; feed++)
        {
            var page = await source.SnapshotAsync(SyncedPattern.OfGroup(_group, "c"), new(new(feed), null, 1000));
            found.AddRange(page.Envelopes.Select(envelope => envelope.Key));
            if (feed == page.Feeds - 1) break;
        }
        found.Select(key => key.Vault).Order(StringComparer.Ordinal).ShouldBe([First, Second]);
        var vaults = await source.VaultsAsync(_group, new(null, null, 1));
        vaults.Vaults.Select(entry => entry.Vault).ShouldBe([First]);
        vaults.More.ShouldBeTrue();
        (await source.VaultsAsync(_group, new(First, null, 1000))).Vaults.Select(entry => entry.Vault).ShouldBe([Second]);
        (await source.VaultsAsync(_group, new(null, "d", 1000))).Vaults.Select(entry => entry.Vault).ShouldBe([Second]);
        (await fixture.Writer.GetAsync($"/v1/vaults?group={_group}&limit=1")).Json.GetProperty("next").GetString().ShouldBe(First);
        await using var client = Client();
        var overHttp = new List<VaultEntry>();
        await foreach (var entry in client.Writer.VaultsAsync(_group)) overHttp.Add(entry);
        overHttp.ShouldBe((await source.VaultsAsync(_group, new(null, null, 1000))).Vaults);
    }

    [Fact]
    public async Task What_is_not_there_is_empty_and_no_error()
    {
        await using var bus = await fixture.ConnectAsync();
        var source = new BusCollectionSource(bus, Subjects.Default, Timeout);
        SyncedPattern[] scopes =
        [
            SyncedPattern.OfCollection("nobody" + _group, "c"), SyncedPattern.OfVault("nobody" + _group),
            SyncedPattern.OfGroup(_group, "c"), SyncedPattern.OfGroup(_group),
        ];
        foreach (var scope in scopes)
        {
            var page = await source.SnapshotAsync(scope, new(null, null, 10));
            (page.Envelopes.Count, page.Collections.Count, page.More).ShouldBe((0, 0, false));
            var changes = await source.ChangesAsync(scope, new(page.Feed, page.Position, 10));
            changes.Envelopes.ShouldBeEmpty();
        }
        (await source.VaultsAsync(_group, new(null, null, 10))).Vaults.ShouldBeEmpty();
        await using var client = Client();
        (await client.Writer.DigestAsync("nobody" + _group, "c")).ShouldBe(new CollectionDigest(0, Position.Start, Hash256.Of([])));
    }

    [Fact]
    public async Task Many_keys_of_a_group_are_answered_for_each_vault()
    {
        await using var bus = await fixture.ConnectAsync();
        var source = new BusEnvelopeSource(bus, Subjects.Default, Timeout);
        var large = $"\"{new string('x', 400_000)}\"";
        foreach (var vault in new[] { First, Second })
            for (var index = 0; index < 2; index++) await PutAsync(vault, "c", $"k{index}", large);
        var asked = Enumerable.Range(0, 6)
            .Select(n => new GroupRefetchItem(n % 2 == 0 ? First : Second, new("c", $"k{n / 2}", Sequence.Unknown))).ToList();
        var (found, rounds) = (new List<SyncedKey>(), 0);
        while (asked.Count > 0)
        {
            var answers = await source.GetManyOfGroupAsync(_group, asked);
            rounds++;
            answers.Count.ShouldBeGreaterThan(0);
            foreach (var (vault, answer) in answers)
            {
                answer.Feed.ShouldBe(Feeds.Of(vault, Feeds.CountDefault));
                found.AddRange(answer.Envelopes.Select(envelope => envelope.Key));
                foreach (var done in asked.Where(item => item.Vault == vault).Take(answer.Answered).ToArray()) asked.Remove(done);
            }
        }
        rounds.ShouldBeGreaterThan(1);
        found.Order(Utf8Order.Instance).ShouldBe(
            new[] { First, Second }.SelectMany(vault => Enumerable.Range(0, 3).Select(n => new SyncedKey(vault, "c", $"k{n}"))));
        var foreign = new GroupRefetchItem("acme", new("c", "k", Sequence.Unknown));
        (await Should.ThrowAsync<SyncException>(async () => await source.GetManyOfGroupAsync(_group, [foreign])))
            .Code.ShouldBe(SyncErrorCode.Refused);
    }

    [Theory]
    [InlineData("sync.snapshot.acme._.c", "81a56c696d697400", 400)]
    [InlineData("sync.snapshot.acme._.c", "81a466656564cd03ff", 400)]
    [InlineData("sync.snapshot.acme._.c", "81a561667465729301a163a16b", 400)]
    [InlineData("sync.snapshot.acme._.c", "81a561667465729342a163a16b", 400)]
    [InlineData("sync.snapshot.acme._.c", "c1", 400)]
    [InlineData("sync.snapshot.acme._.%7E", "80", 400)]
    [InlineData("sync.changes.acme._.c", "80", 400)]
    [InlineData("sync.changes.acme._.c", "81a466656564cd03ff", 400)]
    [InlineData("sync.changes.a--b.~.c", "81a46665656400", 400)]
    [InlineData("sync.vaults.a--b", "80", 400)]
    [InlineData("sync.vaults.pypi", "81a56166746572a12e", 400)]
    [InlineData("sync.getmany.pypi.~", "9194a461636d65a163a16b00", 400)]
    public async Task What_breaks_a_rule_is_refused(string subject, string body, int status)
    {
        await using var bus = await fixture.ConnectAsync();
        var reply = await bus.RequestAsync(subject, Convert.FromHexString(body), null, Timeout);
        reply.ErrorCode.ShouldBe(status, reply.ErrorText);
    }

    [Fact]
    public async Task A_digest_is_that_of_the_live_records()
    {
        foreach (var key in new[] { "b", "a", "ä", "gone" }) await PutAsync(First, "c", Uri.EscapeDataString(key), $"\"{key}\"");
        var last = await fixture.Writer.DeleteAsync($"/v1/vaults/{First}/c/gone");
        using var expected = new CollectionDigester();
        foreach (var key in new[] { "a", "b", "ä" })
        {
            byte[] text = Encoding.UTF8.GetBytes(key);
            expected.Add(key, new(1), Hash256.Of([(byte)(0xa0 | text.Length), .. text]));
        }
        await using var client = Client();
        var digest = await client.Writer.DigestAsync(First, "c");
        digest.ShouldBe(expected.Finish(new(last.Number("position"))));
        var json = await fixture.Writer.GetAsync($"/v1/digests/{First}/c");
        json.Json.GetProperty("digest").GetString().ShouldBe(digest.Digest.ToString());
        (await fixture.Writer.GetAsync($"/v1/digests/{First}/c?x=1")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await fixture.Writer.GetAsync("/v1/digests/.a/c")).Problem.ShouldBe("invalid-name");
    }

    [Theory]
    [InlineData("", "malformed-request")]
    [InlineData("?group=a--b", "invalid-name")]
    [InlineData("?group=a-", "invalid-name")]
    [InlineData("?group=a&after=.", "invalid-name")]
    [InlineData("?group=a&collection=%2F", "invalid-name")]
    [InlineData("?group=a&limit=1001", "malformed-request")]
    [InlineData("?group=a&vault=b", "malformed-request")]
    public async Task A_wrong_question_for_vaults_is_refused(string query, string problem)
    {
        var answer = await fixture.Writer.GetAsync("/v1/vaults" + query);
        (answer.Status, answer.Problem).ShouldBe((HttpStatusCode.BadRequest, problem));
    }

    private SyncClient Client() => new(new SyncClientOptions { Writers = [fixture.Writer.Address.ToString()] });

    private async Task<Answer> PutAsync(string vault, string collection, string key, string json)
    {
        var answer = await fixture.Writer.PutAsync($"/v1/vaults/{vault}/{collection}/{key}", json);
        ((int)answer.Status).ShouldBeInRange(200, 201, answer.Text);
        return answer;
    }
}
