using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Testing.Ledger;

public abstract partial class LedgerStoreCompliance
{
    [Fact]
    public async Task A_record_is_read_now_and_as_of_a_sequence_a_position_and_a_time()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var first = (await driver.WriteAsync(Put(User("a"), "1")))[0];
        await driver.WriteAsync(Put(User("b"), "other"));
        var second = (await driver.WriteAsync(Put(User("a"), "2")))[0];
        var third = (await driver.WriteAsync(Delete(User("a"))))[0];
        (await ReadAsync(AsOf.Now)).ShouldBe(third.Id);
        (await ReadAsync(new AsOf(new Sequence(2), null, null))).ShouldBe(second.Id);
        (await ReadAsync(new AsOf(new Sequence(4), null, null))).ShouldBeNull();
        (await ReadAsync(new AsOf(new Sequence(0), null, null))).ShouldBeNull();
        (await ReadAsync(new AsOf(null, new Position(0), null))).ShouldBeNull();
        (await ReadAsync(new AsOf(null, new Position(2), null))).ShouldBe(first.Id);
        (await ReadAsync(new AsOf(null, new Position(3), null))).ShouldBe(second.Id);
        (await ReadAsync(new AsOf(null, new Position(99), null))).ShouldBe(third.Id);
        (await ReadAsync(new AsOf(null, null,
            new Timestamp(first.TransactionTime.UnixMicroseconds - 1)))).ShouldBeNull();
        (await ReadAsync(new AsOf(null, null, first.TransactionTime))).ShouldBe(first.Id);
        (await ReadAsync(new AsOf(null, null,
            new Timestamp(third.TransactionTime.UnixMicroseconds - 1)))).ShouldBe(second.Id);
        (await Store.GetAsync(User("none"), AsOf.Now)).ShouldBeNull();

        async Task<FactId?> ReadAsync(AsOf asOf) => (await Store.GetAsync(User("a"), asOf))?.Id;
    }

    [Fact]
    public async Task Many_keys_answer_what_is_newer_and_what_is_absent()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync(Put(User("a"), "1"), Put(User("a"), "2"), Put(User("b"), "1"), Delete(User("b")));
        var answer = await Store.GetManyAsync("acme",
            [new("user", "b", new(1)), new("user", "none", Sequence.Unknown), new("user", "a", new(2)),
             new("user", "gone", Sequence.None), new("user", "a", Sequence.Unknown)], 1 << 20);
        answer.Feed.ShouldBe(driver.Lease.Feed);
        answer.History.ShouldBe(Store.Info.History);
        answer.Position.ShouldBe(new Position(4));
        answer.Answered.ShouldBe(5);
        answer.Envelopes.Select(envelope => (envelope.Key.Key, envelope.Sequence.Value, envelope.IsTombstone))
            .ShouldBe([("b", 2L, true), ("none", 0L, false), ("a", 2L, false)]);
        answer.Envelopes[1].IsKnownAbsent.ShouldBeTrue();
        answer.Envelopes[2].Value.ToArray().ShouldBe(Value("2"));
        answer.Envelopes[2].Position.ShouldBe(new Position(2));
        answer.Envelopes[2].History.ShouldBe(Store.Info.History);
    }

    [Fact]
    public async Task An_answer_for_many_keys_is_cut_by_bytes_and_says_how_far_it_came()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync([.. Enumerable.Range(0, 10).Select(number => Put(User($"k{number}"), new string('x', 1000)))]);
        var items = Enumerable.Range(0, 10).Select(number => new RefetchItem("user", $"k{number}", Sequence.Unknown)).ToList();
        var got = new List<string>();
        for (var calls = 0; got.Count < 10; calls++)
        {
            calls.ShouldBeLessThan(11);
            var answer = await Store.GetManyAsync("acme", items, 2500);
            answer.Answered.ShouldBeInRange(1, 4);
            answer.Envelopes.Count.ShouldBe(answer.Answered);
            got.AddRange(answer.Envelopes.Select(envelope => envelope.Key.Key));
            items.RemoveRange(0, answer.Answered);
        }
        got.ShouldBe(Enumerable.Range(0, 10).Select(number => $"k{number}"));
    }

    [Fact]
    public async Task A_list_is_ordered_by_the_bytes_of_its_keys_in_UTF_8()
    {
        // Code points above U+FFFF come last in UTF-8 and before U+E000 in UTF-16; upper case before lower case.
        string[] ordered = ["!", "A", "Z", "a", "a!", "aa", "b", "é", "ｶ", "\uFFFD", "😀", "😀a", "🧵"];
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync([.. ordered.Reverse().Select(key => Put(User(key), key))]);
        var all = await Store.ListAsync("acme", "user", null, 1000, AsOf.Now, 1 << 20);
        all.Facts.Select(fact => fact.Key.Key).ShouldBe(ordered);
        all.More.ShouldBeFalse();
        all.Position.ShouldBe(new Position(ordered.Length));
        var paged = new List<string>();
        string? after = null;
        for (var more = true; more;)
        {
            var page = await Store.ListAsync("acme", "user", after, 2, AsOf.Now, 1 << 20);
            page.Facts.Count.ShouldBeInRange(1, 2);
            paged.AddRange(page.Facts.Select(fact => fact.Key.Key));
            (after, more) = (paged[^1], page.More);
        }
        paged.ShouldBe(ordered);
        (await Store.ListAsync("acme", "user", "aZ", 1, AsOf.Now, 1 << 20)).Facts[0].Key.Key.ShouldBe("aa");
        (await Store.ListAsync("acme", "user", "🧵", 1, AsOf.Now, 1 << 20)).Facts.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_list_leaves_out_what_is_deleted_and_shows_the_past()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync(Put(User("a"), "1"), Put(User("b"), "1"));
        var time = driver.Time;
        await driver.WriteAsync(Delete(User("a")), Put(User("b"), "2"), Put(User("c"), "1"));
        await driver.WriteAsync(Put(User("a"), "back"));
        (await ListAsync(AsOf.Now)).ShouldBe(["a3", "b2", "c1"]);
        (await ListAsync(new AsOf(null, new Position(2), null))).ShouldBe(["a1", "b1"]);
        (await ListAsync(new AsOf(null, new Position(3), null))).ShouldBe(["b1"]);
        (await ListAsync(new AsOf(null, null, time))).ShouldBe(["b2", "c1"]);
        (await ListAsync(new AsOf(null, Position.Start, null))).ShouldBeEmpty();
        (await Store.ListAsync("acme", "user", null, 10, new AsOf(null, null, time), 1 << 20)).Position.ShouldBe(new Position(5));

        async Task<IEnumerable<string>> ListAsync(AsOf asOf) =>
            (await Store.ListAsync("acme", "user", null, 10, asOf, 1 << 20)).Facts.Select(fact => $"{fact.Key.Key}{fact.Sequence}");
    }

    [Fact]
    public async Task Pages_are_cut_by_bytes_and_have_at_least_one_fact()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync([.. Enumerable.Range(0, 4).Select(number => Put(User("a"), new string((char)('a' + number), 1000)))]);
        await driver.WriteAsync(Put(User("b"), new string('b', 1000)), Put(User("c"), new string('c', 1000)));
        var feed = await Store.ReadFeedAsync(driver.Lease.Feed, Position.Start, 100, 1500);
        feed.Facts.Count.ShouldBe(2);
        feed.More.ShouldBeTrue();
        (await Store.ReadFeedAsync(driver.Lease.Feed, Position.Start, 100, 1)).Facts.Count.ShouldBe(1);
        (await Store.HistoryAsync(User("a"), Sequence.None, 100, 1)).Facts.Count.ShouldBe(1);
        var list = await Store.ListAsync("acme", "user", null, 100, AsOf.Now, 1);
        list.Facts.Count.ShouldBe(1);
        list.More.ShouldBeTrue();
        (await Store.WindowAsync(new(driver.Lease.Feed, Position.Start), 100, 1)).Facts.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_history_is_paged_oldest_first()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        for (var number = 0; number < 5; number++)
            await driver.WriteAsync(Put(User("a"), $"{number}"), Put(User("b"), "other"));
        var page = await Store.HistoryAsync(User("a"), new Sequence(1), 2, 1 << 20);
        page.Facts.Select(fact => fact.Sequence.Value).ShouldBe([2L, 3L]);
        page.More.ShouldBeTrue();
        page.Position.ShouldBe(new Position(10));
        page = await Store.HistoryAsync(User("a"), new Sequence(3), 2, 1 << 20);
        page.Facts.Select(fact => fact.Sequence.Value).ShouldBe([4L, 5L]);
        page.More.ShouldBeFalse();
        (await Store.HistoryAsync(User("a"), new Sequence(5), 2, 1 << 20)).Facts.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_feed_is_read_in_dense_pages_up_to_its_end()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        for (var number = 0; number < 7; number++) await driver.WriteAsync(Put(User($"k{number}")));
        var page = await Store.ReadFeedAsync(driver.Lease.Feed, new Position(2), 3, 1 << 20);
        page.Facts.Select(fact => fact.Position.Value).ShouldBe([3L, 4L, 5L]);
        page.More.ShouldBeTrue();
        page = await Store.ReadFeedAsync(driver.Lease.Feed, new Position(5), 3, 1 << 20);
        page.Facts.Select(fact => fact.Position.Value).ShouldBe([6L, 7L]);
        page.More.ShouldBeFalse();
        page.Position.ShouldBe(new Position(7));
        (await Store.ReadFeedAsync(driver.Lease.Feed, new Position(7), 3, 1 << 20)).Facts.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_window_filters_by_vault_collection_and_a_prefix_taken_literally()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var other = await VaultOfSameFeedAsync("acme");
        await driver.WriteAsync(
            Put(User("a%b")), Put(User("axb")), Put(User("a_c")), Put(new("acme", "order", "a%b")), Put(new(other, "user", "a%b")),
            Put(User("a\\d")), Put(User("A%b")), Put(User("a%c")));
        (await WindowAsync(new(driver.Lease.Feed, Position.Start))).ShouldBe([1, 2, 3, 4, 5, 6, 7, 8]);
        (await WindowAsync(new(driver.Lease.Feed, new Position(1), new Position(4)))).ShouldBe([2, 3, 4]);
        (await WindowAsync(new(driver.Lease.Feed, Position.Start, null, "acme"))).ShouldBe([1, 2, 3, 4, 6, 7, 8]);
        (await WindowAsync(new(driver.Lease.Feed, Position.Start, null, "acme", "user"))).ShouldBe([1, 2, 3, 6, 7, 8]);
        (await WindowAsync(new(driver.Lease.Feed, Position.Start, null, "acme", "user", "a%"))).ShouldBe([1, 8]);
        (await WindowAsync(new(driver.Lease.Feed, Position.Start, null, "acme", "user", "a_"))).ShouldBe([3]);
        (await WindowAsync(new(driver.Lease.Feed, Position.Start, null, "acme", "user", "a\\"))).ShouldBe([6]);
        (await WindowAsync(new(driver.Lease.Feed, Position.Start, null, "nobody"))).ShouldBeEmpty();
        var page = await Store.WindowAsync(new(driver.Lease.Feed, Position.Start, null, "acme", "user"), 2, 1 << 20);
        page.More.ShouldBeTrue();
        page.Facts.Count.ShouldBe(2);

        async Task<IEnumerable<long>> WindowAsync(WindowQuery query) =>
            (await Store.WindowAsync(query, 100, 1 << 20)).Facts.Select(fact => fact.Position.Value);
    }

    [Fact]
    public async Task A_time_is_the_last_position_at_or_before_it()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        (await Store.PositionAtAsync(driver.Lease.Feed, driver.Time)).ShouldBe(Position.Start);
        var first = driver.Time;
        await driver.WriteAsync(Put(User("a")), Put(User("b")), Put(User("c")));
        var second = driver.Time;
        await driver.WriteAsync(Put(User("a")));
        (await Store.PositionAtAsync(driver.Lease.Feed, new(first.UnixMicroseconds - 1))).ShouldBe(Position.Start);
        (await Store.PositionAtAsync(driver.Lease.Feed, first)).ShouldBe(new Position(3));
        (await Store.PositionAtAsync(driver.Lease.Feed, new(second.UnixMicroseconds - 1))).ShouldBe(new Position(3));
        (await Store.PositionAtAsync(driver.Lease.Feed, second)).ShouldBe(new Position(4));
        (await Store.PositionAtAsync(driver.Lease.Feed,
            new(second.UnixMicroseconds + 1_000_000_000))).ShouldBe(new Position(4));
    }

    [Fact]
    public async Task What_is_unknown_is_empty()
    {
        (await Store.GetAsync(new("nobody", "user", "a"), AsOf.Now)).ShouldBeNull();
        var list = await Store.ListAsync("nobody", "user", null, 10, AsOf.Now, 1 << 20);
        list.Facts.ShouldBeEmpty();
        list.More.ShouldBeFalse();
        list.Feed.ShouldBe(await Store.FeedOfAsync("nobody"));
        list.History.ShouldBe(Store.Info.History);
        (await Store.HistoryAsync(new("nobody", "user", "a"), Sequence.None, 10, 1 << 20)).Facts.ShouldBeEmpty();
        (await Store.ReadFeedAsync(list.Feed, Position.Start, 10, 1 << 20)).Facts.ShouldBeEmpty();
        (await Store.GetManyAsync("nobody", [new("user", "a", Sequence.Unknown)], 1 << 20)).Envelopes[0].IsKnownAbsent.ShouldBeTrue();
        (await Store.PositionAtAsync(list.Feed, new Timestamp(long.MaxValue / 4))).ShouldBe(Position.Start);
        var loaded = await Store.LoadAsync(list.Feed,
            new LoadRequest([new("nobody", "user", "a")], [new("nobody", "user")], [new("nobody", "key")]));
        loaded.Heads[0].ShouldBe(HeadState.None);
        loaded.Collections[0].LastPosition.ShouldBe(Position.Start);
        loaded.Idempotency[0].ShouldBeNull();
    }

    [Fact]
    public async Task Names_and_values_of_any_content_come_back_unchanged()
    {
        string[] hostile = ["'; drop table fact;--", "$1", "\"", "\\", "%", "_", "{0}", "a/b", " ", "null", "نص", "日本語", "e\u0301", "é",
            "🧵", "-", ".", "*", ">", new('k', 512), string.Concat(Enumerable.Repeat("é", 256))];
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync([.. hostile.Select(text => Put(User(text), text, text.Length > 64 ? null : text))]);
        await driver.WriteAsync(Put(User("zero"), "a\0b"), Put(User("large"), new string('x', (1 << 20) - 5)));
        foreach (var text in hostile)
        {
            var fact = (await Store.GetAsync(User(text), AsOf.Now)).ShouldNotBeNull();
            fact.Key.Key.ShouldBe(text);
            fact.Value.ToArray().ShouldBe(Value(text));
        }
        (await Store.GetAsync(User("zero"), AsOf.Now)).ShouldNotBeNull().Value.ToArray().ShouldBe(Value("a\0b"));
        (await Store.GetAsync(User("large"), AsOf.Now)).ShouldNotBeNull().Value.Length.ShouldBe(1 << 20);
        await ShouldBeSoundAsync();
    }
}
