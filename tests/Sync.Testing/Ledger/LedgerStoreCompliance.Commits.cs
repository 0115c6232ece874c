using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Testing.Ledger;

public abstract partial class LedgerStoreCompliance
{
    [Fact]
    public async Task A_group_becomes_facts_heads_a_collection_and_keys()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var facts = await driver.WriteAsync(Put(User("a"), "1", "k1"), Put(User("a"), "2"), Delete(User("a")), Put(User("b"), "3", "k2"));
        var loaded = await Store.LoadAsync(driver.Lease.Feed, new LoadRequest(
            [User("b"), User("a"), User("none")],
            [new("acme", "none"), new("acme", "user")],
            [new("acme", "k2"), new("other", "k1"), new("acme", "k1")]));
        loaded.Heads[0].ShouldBe(new HeadState(new(1), new(4), facts[3].Id, true, new(4)));
        loaded.Heads[1].ShouldBe(new HeadState(new(3), new(3), facts[2].Id, false, new(1)));
        loaded.Heads[2].ShouldBe(HeadState.None);
        loaded.Collections.ShouldBe([default, new CollectionState(new Position(4), CollectionShape.Store)]);
        loaded.Idempotency[0].ShouldNotBeNull().Id.ShouldBe(facts[3].Id);
        loaded.Idempotency[1].ShouldBeNull();
        loaded.Idempotency[2].ShouldNotBeNull().Id.ShouldBe(facts[0].Id);
        await ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Every_field_of_a_fact_comes_back_as_it_was_given()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var cause = new FactId(new UuidV7Source().Next(driver.Time));
        var written = await driver.WriteAsync(
            new WriteCommand
            {
                Key = User("a"),
                Op = ChangeOp.Put,
                Value = Value("first"),
                SchemaVersion = new("3.14"),
                IdempotencyKey = "key",
                ValidTime = new Timestamp(-123_456_789),
                Producer = new("service", "billing"),
            },
            Put(User("a"), "second"),
            new WriteCommand { Key = new("acme", "event", "e"), Op = ChangeOp.Append, Value = Value("event"), Causation = cause });
        var read = (await Store.ReadFeedAsync(driver.Lease.Feed, Position.Start, 10, 1 << 20)).Facts;
        read.Count.ShouldBe(3);
        for (var index = 0; index < 3; index++) ShouldBeSame(read[index], written[index]);
        read[2].Causation.ShouldBe(cause);
        ShouldBeSame((await Store.GetAsync(User("a"), new AsOf(new Sequence(1), null, null))).ShouldNotBeNull(), written[0]);
        ShouldBeSame((await Store.HistoryAsync(User("a"), Sequence.None, 10, 1 << 20)).Facts[1], written[1]);
        var loaded = await Store.LoadAsync(driver.Lease.Feed, new LoadRequest([], [], [new("acme", "key")]));
        ShouldBeSame(loaded.Idempotency[0].ShouldNotBeNull(), written[0]);
    }

    [Fact]
    public async Task A_commit_under_an_old_epoch_is_fenced_and_writes_nothing()
    {
        var old = await StoreDriver.AcquireAsync(Store);
        await old.WriteAsync(Put(User("a")));
        var straggler = await old.GroupAsync(Put(User("a"), "late"), Put(User("b"), "late", "late"));
        await Store.AcquireAsync(old.Lease.Feed, "one", Minute);
        (await old.TryCommitAsync(straggler)).ShouldBeOfType<CommitOutcome.Fenced>();
        (await Store.ReadFeedAsync(old.Lease.Feed, Position.Start, 10, 1 << 20)).Facts.Count.ShouldBe(1);
        (await Store.GetAsync(User("b"), AsOf.Now)).ShouldBeNull();
        var loaded = await Store.LoadAsync(old.Lease.Feed, new LoadRequest([User("a")], [new("acme", "user")], [new("acme", "late")]));
        loaded.Heads[0].Sequence.ShouldBe(new Sequence(1));
        loaded.Collections[0].LastPosition.ShouldBe(new Position(1));
        loaded.Idempotency[0].ShouldBeNull();
    }

    [Fact]
    public async Task A_commit_that_expects_another_position_is_fenced()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var stale = await driver.GroupAsync(Put(User("a")));
        await driver.WriteAsync(Put(User("b")));
        (await driver.TryCommitAsync(stale)).ShouldBeOfType<CommitOutcome.Fenced>();
        (await Store.GetAsync(User("a"), AsOf.Now)).ShouldBeNull();
        await ShouldBeSoundAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task A_group_whose_place_is_not_reached_comes_too_early_writes_nothing_and_may_come_again(int facts)
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var first = await driver.GroupAsync(Put(User("a")));
        driver.Assume(first);
        var second = await driver.GroupAsync([.. Enumerable.Range(0, facts).Select(number => Put(new("acme", "note", $"{number}")))]);
        (await Store.CommitAsync(second)).ShouldBeOfType<CommitOutcome.TooEarly>();
        (await Store.StatusAsync())[driver.Lease.Feed.Value].Position.ShouldBe(Position.Start);
        (await Store.GetAsync(new("acme", "note", "0"), AsOf.Now)).ShouldBeNull();
        (await Store.CommitAsync(first)).ShouldBeOfType<CommitOutcome.Committed>();
        (await Store.CommitAsync(second)).ShouldBeOfType<CommitOutcome.Committed>();
        (await Store.CommitAsync(second)).ShouldBeOfType<CommitOutcome.Fenced>();
        await ShouldBeSoundAsync();
    }

    [Fact]
    public async Task A_group_whose_place_is_not_reached_is_fenced_under_an_old_lease()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        driver.Assume(await driver.GroupAsync(Put(User("a"))));
        var second = await driver.GroupAsync(Put(User("b")), Put(User("c")));
        await Store.AcquireAsync(driver.Lease.Feed, "one", Minute);
        (await Store.CommitAsync(second)).ShouldBeOfType<CommitOutcome.Fenced>();
    }

    [Fact]
    public async Task Groups_on_top_of_each_other_that_come_at_once_are_committed_in_order_or_come_too_early()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        for (var round = 0; round < 50; round++)
        {
            var first = await driver.GroupAsync(Put(User($"a{round}")), Put(User($"b{round}")));
            driver.Assume(first);
            var second = await driver.GroupAsync(Put(new("acme", "note", $"c{round}")), Put(new("acme", "note", $"d{round}")));
            driver.Assume(second);
            var both = new[] { first, second }.Select(group => Task.Run(async () => await Store.CommitAsync(group))).ToArray();
            (await both[0]).ShouldBeOfType<CommitOutcome.Committed>();
            if (await both[1] is CommitOutcome.Committed) continue;
            (await both[1]).ShouldBeOfType<CommitOutcome.TooEarly>();
            (await Store.CommitAsync(second)).ShouldBeOfType<CommitOutcome.Committed>();
        }
        await ShouldBeSoundAsync();
    }

    [Fact]
    public async Task A_used_idempotency_key_refuses_the_whole_group()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync(Put(User("a"), "1", "key"));
        var group = await driver.GroupAsync(Put(User("b")), Put(User("c"), "2", "key"));
        (await driver.TryCommitAsync(group)).ShouldBeOfType<CommitOutcome.DuplicateKey>();
        (await Store.GetAsync(User("b"), AsOf.Now)).ShouldBeNull();
        (await Store.StatusAsync())[driver.Lease.Feed.Value].Position.ShouldBe(new Position(1));
        await driver.WriteAsync(Put(User("b"), "3", "KEY"), Put(User("c"), "4", "key "));
        await ShouldBeSoundAsync();
    }

    [Fact]
    public async Task One_idempotency_key_twice_in_a_group_is_a_duplicate()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var group = await driver.GroupAsync(Put(User("a"), "1", "key"), Put(User("b"), "2", "key"));
        (await driver.TryCommitAsync(group)).ShouldBeOfType<CommitOutcome.DuplicateKey>();
        (await Store.StatusAsync())[driver.Lease.Feed.Value].Position.ShouldBe(Position.Start);
    }

    [Fact]
    public async Task Idempotency_keys_are_apart_by_vault()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var other = await VaultOfSameFeedAsync("acme");
        await driver.WriteAsync(Put(User("a"), "1", "key"), Put(new(other, "user", "a"), "2", "key"));
        await ShouldBeSoundAsync();
    }

    [Fact]
    public async Task Expired_idempotency_keys_are_free_again_and_the_others_are_not()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync(Put(User("a"), "1", "old-1"), Put(User("b"), "2", "old-2"), Put(User("c"), "3", "old-3"));
        var limit = driver.Time;
        await driver.WriteAsync(Put(User("d"), "4", "new"));
        var calls = 1;
        while (await Store.ExpireIdempotencyAsync(driver.Lease.Feed, limit, 1)) (++calls).ShouldBeLessThan(10);
        calls.ShouldBeGreaterThan(1);
        var loaded = await Store.LoadAsync(driver.Lease.Feed, new LoadRequest([], [],
            [new("acme", "old-1"), new("acme", "old-2"), new("acme", "old-3"), new("acme", "new")]));
        loaded.Idempotency.Take(3).ShouldAllBe(fact => fact == null);
        loaded.Idempotency[3].ShouldNotBeNull();
        (await driver.TryCommitAsync(await driver.GroupAsync(Put(User("e"), "5", "new")))).ShouldBeOfType<CommitOutcome.DuplicateKey>();
        await driver.WriteAsync(Put(User("f"), "6", "old-1"));
    }

    [Fact]
    public async Task A_collection_has_the_shape_that_its_first_fact_declared()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        await driver.WriteAsync(Append(new("acme", "event", "1")), Put(User("a")), Append(new("acme", "event", "2")));
        await driver.WriteAsync(Append(new("acme", "event", "3")), Delete(User("a")));
        var wanted = new LoadRequest([], [new("acme", "event"), new("acme", "user"), new("acme", "none")], []);
        var other = await OpenAgainAsync();
        foreach (var store in new[] { Store, other })
            (await store.LoadAsync(driver.Lease.Feed, wanted)).Collections.ShouldBe([
                new(new Position(4), CollectionShape.History), new(new Position(5), CollectionShape.Store), default]);
        var scope = SyncedPattern.OfCollection("acme", "event");
        (await Store.SnapshotAsync(scope, driver.Lease.Feed, null, 10, 1 << 20)).Envelopes
            .Select(envelope => (envelope.Key.Key, envelope.Op)).ShouldBe([("1", ChangeOp.Append), ("2", ChangeOp.Append), ("3", ChangeOp.Append)]);
        await ShouldBeSoundAsync();
    }

    [Fact]
    public async Task A_long_group_keeps_order_and_count()
    {
        var driver = await StoreDriver.AcquireAsync(Store);
        var commands = Enumerable.Range(0, 1000).Select(number => Put(User($"k{number % 300}"), $"v{number}", $"i{number}")).ToArray();
        await driver.WriteAsync(commands);
        await driver.WriteAsync(commands.Select(command => Put(command.Key, "again")).ToArray());
        await ShouldBeSoundAsync();
    }

    private async Task<string> VaultOfSameFeedAsync(string vault)
    {
        var feed = await Store.FeedOfAsync(vault);
        for (var number = 0; ; number++)
            if (await Store.FeedOfAsync($"other{number}") == feed) return $"other{number}";
    }

    private static void ShouldBeSame(Fact read, Fact written)
    {
        read.Id.ShouldBe(written.Id);
        read.Key.ShouldBe(written.Key);
        read.Sequence.ShouldBe(written.Sequence);
        read.Op.ShouldBe(written.Op);
        read.Value.ToArray().ShouldBe(written.Value.ToArray());
        read.ValueHash.ShouldBe(written.ValueHash);
        read.SchemaVersion.ShouldBe(written.SchemaVersion);
        read.Causation.ShouldBe(written.Causation);
        read.TransactionTime.ShouldBe(written.TransactionTime);
        read.ValidTime.ShouldBe(written.ValidTime);
        read.Producer.ShouldBe(written.Producer);
        read.IdempotencyKey.ShouldBe(written.IdempotencyKey);
        read.Feed.ShouldBe(written.Feed);
        read.Position.ShouldBe(written.Position);
        read.After.ShouldBe(written.After);
        read.Epoch.ShouldBe(written.Epoch);
        read.Chain.ShouldBe(written.Chain);
    }
}
