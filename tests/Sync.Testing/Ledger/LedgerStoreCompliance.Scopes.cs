using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Testing.Ledger;

public abstract partial class LedgerStoreCompliance
{
    private const int Plenty = 1 << 20;

    // In the order of snapshots. All of one feed, which the tests find names for; "g" stands for the group.
    private static readonly string[] Collections = ["_own", "advisory", "user"];
    private static readonly string[] Keys = ["!", "A", "a", "a!", "é", "\uFFFD", "😀", "🧵"];

    [Fact]
    public async Task A_snapshot_has_the_live_records_of_each_scope_in_the_order_of_their_bytes()
    {
        var shards = await ShardsAsync();
        foreach (var scope in ScopesOf(shards.Names))
        {
            var expected = shards.Live.Where(fact => IsIn(scope, fact.Key)).Select(Shown).ToList();
            var page = await Store.SnapshotAsync(scope, shards.Feed, null, 1000, Plenty);
            page.Envelopes.Select(Shown).ShouldBe(expected, scope.ToString());
            page.Collections.ShouldBe(shards.Touched(scope, null, null));
            page.More.ShouldBeFalse();
            page.Position.ShouldBe(shards.Position);
            page.Feed.ShouldBe(shards.Feed);
            page.Feeds.ShouldBe(Store.Info.Feeds);
            page.History.ShouldBe(Store.Info.History);
            page.Floor.ShouldBe(new Position(1));
            foreach (var (limit, bytes) in new[] { (1, Plenty), (2, Plenty), (7, Plenty), (1000, 1), (1000, 7) })
                (await SnapshotAsync(shards, scope, limit, bytes)).Select(Shown).ShouldBe(expected, $"{scope} {limit} {bytes}");
            (await Store.SnapshotAsync(scope, shards.OtherFeed, null, 1000, Plenty)).Envelopes.ShouldBeEmpty();
        }
        shards.Live.Count.ShouldBeGreaterThan(20);
    }

    [Fact]
    public async Task A_snapshot_starts_behind_any_record_whether_it_is_there_or_not()
    {
        var shards = await ShardsAsync();
        List<SyncedKey> starts =
        [
            .. shards.All.Select(fact => fact.Key).Distinct().Where((_, index) => index % 8 == 0),
            new("!", "user", "a"), new("zzzz", "user", "a"), new(shards.Names[1], "aaa", "x"), new(shards.Names[1], "zzz", "x"),
            new(shards.Names[1], "user", "zzz"), new(shards.Names[1], "user", "\U0010FFFF"), new(shards.Names[1] + "x", "user", "a"),
        ];
        foreach (var scope in ScopesOf(shards.Names))
        {
            foreach (var start in starts)
            {
                var expected = shards.Live.Where(fact => IsIn(scope, fact.Key) && Utf8Order.Instance.Compare(fact.Key, start) > 0);
                var page = await Store.SnapshotAsync(scope, shards.Feed, start, 1000, Plenty);
                page.Envelopes.Select(Shown).ShouldBe(expected.Select(Shown), $"{scope} behind {start}");
                page.Collections.ShouldBe(shards.Touched(scope, start, null), $"{scope} behind {start}");
            }
        }
    }

    [Fact]
    public async Task A_snapshot_of_small_and_large_values_is_whole_and_its_pages_hold_their_bytes()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var keys = Enumerable.Range(0, 120).Select(number => $"k{number:D3}").ToArray();
        await driver.WriteAsync([.. keys.Select((key, index) => Put(User(key), new string('x', index % 40 == 30 ? 50_000 : index)))]);
        foreach (var scope in new[] { SyncedPattern.OfCollection("acme", "user"), SyncedPattern.OfVault("acme") })
        {
            foreach (var bytes in new[] { 1, 100, 3000, 60_000, Plenty })
            {
                var got = new List<string>();
                for (var more = true; more;)
                {
                    var page = await Store.SnapshotAsync(scope, driver.Lease.Feed, got.Count == 0 ? null : User(got[^1]), 100, bytes);
                    page.Envelopes.SkipLast(1).Sum(envelope => envelope.Value.Length).ShouldBeLessThan(bytes);
                    got.AddRange(page.Envelopes.Select(envelope => envelope.Key.Key));
                    page.Envelopes.Count.ShouldBeInRange(page.More ? 1 : 0, 100);
                    more = page.More;
                }
                got.ShouldBe(keys);
            }
        }
    }

    [Fact]
    public async Task Changes_are_the_facts_of_the_feed_that_the_scope_has()
    {
        var shards = await ShardsAsync();
        foreach (var scope in ScopesOf(shards.Names))
        {
            foreach (var after in new[] { 0, 1, 7, shards.All.Count - 1, shards.All.Count, shards.All.Count + 9 })
            {
                var expected = shards.All.Where(fact => fact.Position.Value > after && IsIn(scope, fact.Key)).Select(Shown).ToList();
                var page = await Store.ChangesAsync(scope, shards.Feed, new Position(after), 1000, Plenty);
                page.Envelopes.Select(Shown).ShouldBe(expected, $"{scope} behind {after}");
                page.Through.ShouldBe(shards.Position);
                page.Position.ShouldBe(shards.Position);
                page.Floor.ShouldBe(new Position(1));
                page.Feed.ShouldBe(shards.Feed);
                page.History.ShouldBe(Store.Info.History);
                foreach (var (limit, bytes) in new[] { (1, Plenty), (3, Plenty), (1000, 1), (1000, 7) })
                    (await ChangesAsync(scope, shards.Feed, after, limit, bytes)).Select(Shown)
                        .ShouldBe(expected, $"{scope} behind {after} by {limit} {bytes}");
            }
        }
        shards.All.ShouldContain(fact => fact.Op == ChangeOp.Delete);
    }

    [Fact]
    public async Task Changes_walk_a_bounded_number_of_positions_and_say_how_far_they_came()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var other = await VaultOfSameFeedAsync("acme");
        await driver.WriteAsync(Put(User("first")));
        for (var written = 0; written < ILedgerStore.PositionsWalkedMax; written += 1000)
            await driver.WriteAsync([.. Enumerable.Range(0, 1000).Select(number => Put(new(other, "user", $"{number % 10}")))]);
        await driver.WriteAsync(Put(User("last")), Put(new(other, "user", "1")));
        var end = driver.State.Position;
        foreach (var scope in new[] { SyncedPattern.OfVault("acme"), SyncedPattern.OfCollection("acme", "user") })
        {
            var page = await Store.ChangesAsync(scope, driver.Lease.Feed, new Position(1), 1000, Plenty);
            page.Envelopes.ShouldBeEmpty();
            page.Through.ShouldBe(new Position(1 + ILedgerStore.PositionsWalkedMax));
            page = await Store.ChangesAsync(scope, driver.Lease.Feed, page.Through, 1000, Plenty);
            page.Envelopes.ShouldHaveSingleItem().Key.ShouldBe(User("last"));
            page.Through.ShouldBe(end);
            (await ChangesAsync(scope, driver.Lease.Feed, 0, 1000, Plenty)).Select(envelope => envelope.Key)
                .ShouldBe([User("first"), User("last")]);
        }
        var window = await Store.WindowAsync(new(driver.Lease.Feed, new Position(1), null, "acme"), 1000, Plenty);
        (window.Facts.Count, window.More, window.Through.Value).ShouldBe((0, true, 1L + ILedgerStore.PositionsWalkedMax));
        window = await Store.WindowAsync(new(driver.Lease.Feed, window.Through, null, "acme"), 1000, Plenty);
        (window.Facts.Count, window.More, window.Through).ShouldBe((1, false, end));
        window = await Store.WindowAsync(new(driver.Lease.Feed, new Position(1), new Position(99), "acme"), 1000, Plenty);
        (window.Facts.Count, window.More, window.Through.Value).ShouldBe((0, false, 99L));
        foreach (var far in new[] { end, end.Next, new Position(long.MaxValue) })
        {
            window = await Store.WindowAsync(new(driver.Lease.Feed, far), 1000, Plenty);
            (window.Facts.Count, window.More, window.Through).ShouldBe((0, false, end));
            foreach (var scope in new[] { SyncedPattern.OfVault("acme"), SyncedPattern.OfCollection("acme", "user") })
                (await Store.ChangesAsync(scope, driver.Lease.Feed, far, 1000, Plenty)).Through.ShouldBe(end);
        }
        window = await Store.WindowAsync(new(driver.Lease.Feed, Position.Start, null, other), 3, Plenty);
        (window.Facts.Count, window.More, window.Through.Value).ShouldBe((3, true, 4L));
    }

    [Fact]
    public async Task The_vaults_of_a_group_come_in_the_order_of_their_names_with_their_last_positions()
    {
        var shards = await ShardsAsync();
        foreach (var collection in new[] { null, "user", "advisory", "_own", "none" })
        {
            var expected = shards.All
                .Where(fact => IsIn(SyncedPattern.OfGroup("g", collection), fact.Key))
                .GroupBy(fact => fact.Key.Vault, StringComparer.Ordinal)
                .Select(vault => new VaultEntry(vault.Key, shards.Feed, vault.Last().Position))
                .OrderBy(entry => entry.Vault, Utf8Order.Instance).ToList();
            foreach (var limit in new[] { 1, 2, 1000 })
            {
                var got = new List<VaultEntry>();
                for (var more = true; more;)
                {
                    var page = await Store.VaultsAsync("g", new(got.LastOrDefault().Vault, collection, limit));
                    page.Vaults.Count.ShouldBeInRange(page.More ? limit : 0, limit);
                    page.History.ShouldBe(Store.Info.History);
                    got.AddRange(page.Vaults);
                    more = page.More;
                }
                got.ShouldBe(expected, $"{collection} by {limit}");
            }
        }
        foreach (var none in new[] { "nobody", "g-", "g--a", "", "_g", shards.Names[2] })
            (await Store.VaultsAsync(none, new(null, null, 10))).Vaults.ShouldBeEmpty(none);
        (await Store.VaultsAsync("g", new("g--zzzz", null, 10))).Vaults.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_digest_is_of_the_live_records_and_stands_at_the_last_change_of_the_collection()
    {
        var shards = await ShardsAsync();
        foreach (var name in shards.All.Select(fact => (fact.Key.Vault, fact.Key.Collection)).Distinct())
        {
            using var digester = new CollectionDigester();
            foreach (var fact in shards.Live.Where(fact => (fact.Key.Vault, fact.Key.Collection) == name))
                digester.Add(fact.Key.Key, fact.Sequence, fact.ValueHash);
            var last = shards.All.Last(fact => (fact.Key.Vault, fact.Key.Collection) == name).Position;
            (await Store.DigestAsync(name.Vault, name.Collection)).ShouldBe(digester.Finish(last));
        }
        using var nothing = new CollectionDigester();
        (await Store.DigestAsync("nobody", "user")).ShouldBe(nothing.Finish(Position.Start));
        (await Store.DigestAsync(shards.Names[0], "none")).ShouldBe(nothing.Finish(Position.Start));
    }

    [Fact]
    public async Task A_collection_of_deleted_records_has_an_empty_digest_and_an_empty_snapshot()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync(Put(User("a")), Put(User("b")), Delete(User("a")), Delete(User("b")));
        using var nothing = new CollectionDigester();
        (await Store.DigestAsync("acme", "user")).ShouldBe(nothing.Finish(new Position(4)));
        var page = await Store.SnapshotAsync(SyncedPattern.OfCollection("acme", "user"), driver.Lease.Feed, null, 10, Plenty);
        page.Envelopes.ShouldBeEmpty();
        page.Position.ShouldBe(new Position(4));
        await driver.WriteAsync(Put(User("b"), "back"));
        page = await Store.SnapshotAsync(SyncedPattern.OfVault("acme"), driver.Lease.Feed, null, 10, Plenty);
        page.Envelopes.ShouldHaveSingleItem().Sequence.ShouldBe(new Sequence(3));
    }

    [Fact]
    public async Task A_scope_without_records_is_empty_and_what_is_not_allowed_is_refused()
    {
        var feed = await Store.FeedOfAsync("nobody");
        SyncedPattern[] scopes =
        [
            SyncedPattern.OfVault("nobody"), SyncedPattern.OfCollection("nobody", "user"), SyncedPattern.OfGroup("nobody"),
            SyncedPattern.OfGroup("nobody", "user"),
        ];
        foreach (var scope in scopes)
        {
            var page = await Store.SnapshotAsync(scope, feed, null, 10, Plenty);
            (page.Envelopes.Count, page.More, page.Position).ShouldBe((0, false, Position.Start));
            var changes = await Store.ChangesAsync(scope, feed, Position.Start, 10, Plenty);
            (changes.Envelopes.Count, changes.Through, changes.Position).ShouldBe((0, Position.Start, Position.Start));
            foreach (var limit in new[] { 0, 10_001 })
            {
                await ShouldBeInvalidAsync(async () => await Store.SnapshotAsync(scope, feed, null, limit, Plenty));
                await ShouldBeInvalidAsync(async () => await Store.ChangesAsync(scope, feed, Position.Start, limit, Plenty));
            }
            var unknown = new FeedId(Store.Info.Feeds);
            await ShouldBeInvalidAsync(async () => await Store.SnapshotAsync(scope, unknown, null, 10, Plenty));
            await ShouldBeInvalidAsync(async () => await Store.ChangesAsync(scope, unknown, Position.Start, 10, Plenty));
        }
        await ShouldBeInvalidAsync(async () => await Store.SnapshotAsync(default, feed, null, 10, Plenty));
        await ShouldBeInvalidAsync(async () => await Store.ChangesAsync(new("g", "v", null), feed, Position.Start, 10, Plenty));
        await ShouldBeInvalidAsync(async () => await Store.VaultsAsync("g", new(null, null, 1001)));

        static async Task ShouldBeInvalidAsync(Func<Task> call) =>
            (await call.ShouldThrowAsync<SyncException>()).Code.ShouldBe(SyncErrorCode.Invalid);
    }

    [Fact]
    public async Task Pages_settle_their_range_while_writes_go_on()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var other = await OpenAgainAsync();
        using var done = new CancellationTokenSource();
        var reader = Task.Run(() => FollowAsync(other, driver.Lease.Feed, done.Token));
        for (var round = 1; round <= RaceGroups; round++)
            // Each group makes a record in a collection that was not there before: a page must not overlook it.
            await driver.WriteAsync(
                Put(User("pair-1"), $"{round}"), Put(User("pair-2"), $"{round}"), Put(new("acme", $"c{round:D3}", "k"), $"{round}"),
                round % 2 == 1 ? Put(User("on-and-off")) : Delete(User("on-and-off")));
        await done.CancelAsync();
        (await reader).ShouldBeGreaterThan(0);
    }

    // What a page says of its range must equal what the feed's facts up to its position leave there.
    private static async Task<int> FollowAsync(ILedgerStore store, FeedId feed, CancellationToken done)
    {
        var facts = new List<Fact>();
        var pages = 0;
        for (var isLast = false; !isLast;)
        {
            isLast = done.IsCancellationRequested;
            SyncedKey? after = null;
            for (var more = true; more; pages++)
            {
                var page = await store.SnapshotAsync(SyncedPattern.OfVault("acme"), feed, after, 5, Plenty, CancellationToken.None);
                var changes = await store.ChangesAsync(
                    SyncedPattern.OfVault("acme"), feed, new Position(facts.Count), 1000, Plenty, CancellationToken.None);
                changes.Through.ShouldBe(changes.Position);
                changes.Envelopes.Select(envelope => envelope.Position.Value)
                    .ShouldBe(Enumerable.Range(facts.Count + 1, (int)changes.Position.Value - facts.Count).Select(number => (long)number));
                facts.AddRange((await store.ReadFeedAsync(feed, new Position(facts.Count), 1000, Plenty, CancellationToken.None)).Facts);
                SyncedKey? end = page.More ? page.Envelopes[^1].Key : null;
                facts.Take((int)page.Position.Value).GroupBy(fact => fact.Key).Select(key => key.Last())
                    .Where(fact => fact.Op != ChangeOp.Delete && IsBetween(fact.Key, after, end))
                    .OrderBy(fact => fact.Key, Utf8Order.Instance).Select(Shown).ShouldBe(page.Envelopes.Select(Shown));
                (after, more) = (end, page.More);
            }
        }
        return pages;

        static bool IsBetween(SyncedKey key, SyncedKey? after, SyncedKey? end) =>
            (after is not { } first || Utf8Order.Instance.Compare(key, first) > 0)
            && (end is not { } last || Utf8Order.Instance.Compare(key, last) <= 0);
    }

    private async Task<List<Envelope>> SnapshotAsync(Shards shards, SyncedPattern scope, int limit, int bytes)
    {
        var got = new List<Envelope>();
        for (var more = true; more;)
        {
            SyncedKey? after = got.Count == 0 ? null : got[^1].Key;
            var page = await Store.SnapshotAsync(scope, shards.Feed, after, limit, bytes);
            page.Collections.ShouldBe(shards.Touched(scope, after, page.More ? page.Envelopes[^1].Key : null));
            page.Envelopes.Count.ShouldBeInRange(page.More ? 1 : 0, limit);
            // The record that passes the bytes is the last one.
            page.Envelopes.SkipLast(1).Sum(envelope => envelope.Value.Length).ShouldBeLessThan(bytes);
            got.AddRange(page.Envelopes);
            more = page.More;
        }
        return got;
    }

    private async Task<List<Envelope>> ChangesAsync(SyncedPattern scope, FeedId feed, long after, int limit, int bytes)
    {
        var got = new List<Envelope>();
        for (var at = new Position(after); ;)
        {
            var page = await Store.ChangesAsync(scope, feed, at, limit, bytes);
            page.Envelopes.Count.ShouldBeInRange(0, limit);
            page.Envelopes.SkipLast(1).Sum(envelope => envelope.Value.Length).ShouldBeLessThan(bytes);
            page.Envelopes.ShouldAllBe(envelope => envelope.Position > at && envelope.Position <= page.Through);
            got.AddRange(page.Envelopes);
            if (page.Through >= page.Position) return got;
            page.Through.ShouldBeGreaterThan(at);
            at = page.Through;
        }
    }

    /// <summary>What the shards hold.</summary>
    /// <param name="Names">Vaults of one feed: two outside the group, then those of it, then a reserved one.</param>
    /// <param name="Feed">Their feed.</param>
    /// <param name="OtherFeed">One without facts.</param>
    /// <param name="All">All facts of the feed, in order.</param>
    /// <param name="Live">The live ones, in the order of snapshots.</param>
    private sealed record Shards(
        IReadOnlyList<string> Names, FeedId Feed, FeedId OtherFeed, IReadOnlyList<Fact> All, IReadOnlyList<Fact> Live)
    {
        public Position Position => new(All.Count);

        public IEnumerable<CollectionEntry> Touched(SyncedPattern scope, SyncedKey? after, SyncedKey? end) =>
            from fact in All.OrderBy(fact => fact.Key with { Key = "" }, Utf8Order.Instance).ThenBy(fact => fact.Position)
            where IsIn(scope, fact.Key)
            group fact.Position by fact.Key with { Key = "" } into collection
            where after is not { } first || Utf8Order.Instance.Compare(collection.Key, first with { Key = "" }) >= 0
            where end is not { } last || Utf8Order.Instance.Compare(collection.Key, last with { Key = "" }) <= 0
            select new CollectionEntry(collection.Key.Vault, collection.Key.Collection, collection.Last());
    }

    // Writes, deletes and writes again in vaults with names that are close to the group's.
    private async Task<Shards> ShardsAsync()
    {
        var driver = await StoreDriver.AcquireAsync(Store, "g");
        string[] names =
        [
            "g", await OfFeedAsync("g-"), await OfFeedAsync("g--a"), await OfFeedAsync("g--A"), await OfFeedAsync("g---"),
            await OfFeedAsync("g--a--b"), await OfFeedAsync("g.--a"), await OfFeedAsync("h--a"), await OfFeedAsync("_g--a"),
        ];
        var keys = (
            from vault in names
            from collection in Collections
            from key in Keys
            where (vault.Length + collection.Length + key[0]) % 3 > 0
            select new SyncedKey(vault, collection, key)).ToArray();
        var random = new Random(7);
        random.Shuffle(keys);
        var facts = new List<Fact>();
        facts.AddRange(await driver.WriteAsync([.. keys.Select(key => Put(key, key.Key))]));
        random.Shuffle(keys);
        facts.AddRange(await driver.WriteAsync([.. keys.Take(keys.Length / 2).Select(key => Delete(key))]));
        facts.AddRange(await driver.WriteAsync([.. keys.Take(keys.Length / 4).Select(key => Put(key, "again"))]));
        facts.AddRange(await driver.WriteAsync([.. keys.TakeLast(keys.Length / 5).Select(key => Put(key, "newer"))]));
        var live = facts.GroupBy(fact => fact.Key).Select(key => key.Last()).Where(fact => fact.Op != ChangeOp.Delete)
            .OrderBy(fact => fact.Key, Utf8Order.Instance).ToList();
        var otherFeed = new FeedId((driver.Lease.Feed.Value + 1) % Store.Info.Feeds);
        return new Shards(names, driver.Lease.Feed, otherFeed, facts, live);

        async Task<string> OfFeedAsync(string start)
        {
            for (var number = 0; ; number++)
                if (await Store.FeedOfAsync($"{start}{number}") == driver.Lease.Feed) return $"{start}{number}";
        }
    }

    private static IEnumerable<SyncedPattern> ScopesOf(IReadOnlyList<string> vaults)
    {
        foreach (var collection in Collections)
        {
            yield return SyncedPattern.OfGroup("g", collection);
            foreach (var vault in vaults) yield return SyncedPattern.OfCollection(vault, collection);
        }
        foreach (var vault in vaults) yield return SyncedPattern.OfVault(vault);
        foreach (var group in new[] { "g", "g.", "h", "_g", "g-", "g--a" }) yield return SyncedPattern.OfGroup(group);
        yield return SyncedPattern.OfCollection(vaults[0], "none");
        yield return SyncedPattern.OfGroup("g", "none");
    }
}
