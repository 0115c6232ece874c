using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Testing.Ledger;

public abstract partial class LedgerStoreCompliance
{
    [Fact]
    public async Task A_free_feed_is_acquired_and_stands_at_the_start()
    {
        var state = (await Store.AcquireAsync(new FeedId(0), "one", Minute)).ShouldNotBeNull();
        state.Lease.Feed.ShouldBe(new FeedId(0));
        state.Lease.Owner.ShouldBe("one");
        state.Lease.Epoch.Value.ShouldBeGreaterThan(0);
        state.Position.ShouldBe(Position.Start);
        state.Published.ShouldBe(Position.Start);
        state.Chain.IsZero.ShouldBeTrue();
    }

    [Fact]
    public async Task A_held_feed_is_not_given_to_another()
    {
        await Store.AcquireAsync(new FeedId(0), "one", Minute);
        (await Store.AcquireAsync(new FeedId(0), "two", Minute)).ShouldBeNull();
        (await Store.AcquireAsync(new FeedId(1), "two", Minute)).ShouldNotBeNull();
    }

    [Fact]
    public async Task An_owner_takes_its_own_feed_again_one_epoch_later()
    {
        var first = (await Store.AcquireAsync(new FeedId(0), "one", Minute)).ShouldNotBeNull();
        var second = (await Store.AcquireAsync(new FeedId(0), "one", Minute)).ShouldNotBeNull();
        second.Lease.Epoch.Value.ShouldBe(first.Lease.Epoch.Value + 1);
        (await Store.RenewAsync(first.Lease, Minute, Position.Start)).ShouldBeFalse();
        (await Store.RenewAsync(second.Lease, Minute, Position.Start)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_released_feed_is_free_at_once_with_what_was_committed_and_published()
    {
        var one = await StoreDriver.AcquireAsync(Store);
        var facts = await one.WriteAsync(Put(User("a")), Put(User("b")));
        await Store.ReleaseAsync(one.Lease, new Position(1));
        var state = (await Store.AcquireAsync(one.Lease.Feed, "two", Minute)).ShouldNotBeNull();
        state.Lease.Epoch.Value.ShouldBe(one.Lease.Epoch.Value + 1);
        state.Position.ShouldBe(new Position(2));
        state.Published.ShouldBe(new Position(1));
        state.Chain.ShouldBe(facts[1].Chain);
        state.LastTime.ShouldBe(facts[1].TransactionTime);
    }

    [Fact]
    public async Task Releasing_a_lost_lease_changes_nothing()
    {
        var old = (await Store.AcquireAsync(new FeedId(0), "one", Minute)).ShouldNotBeNull();
        await Store.AcquireAsync(new FeedId(0), "one", Minute);
        await Store.ReleaseAsync(old.Lease, Position.Start);
        (await Store.AcquireAsync(new FeedId(0), "two", Minute)).ShouldBeNull();
    }

    [Fact]
    public async Task An_expired_lease_is_taken_by_another_and_no_longer_renewed()
    {
        var old = (await Store.AcquireAsync(new FeedId(0), "one", TimeSpan.FromMilliseconds(200))).ShouldNotBeNull();
        FeedState? taken = null;
        await UntilAsync(async () => (taken = await Store.AcquireAsync(new FeedId(0), "two", Minute)) is not null);
        taken!.Lease.Epoch.Value.ShouldBe(old.Lease.Epoch.Value + 1);
        (await Store.RenewAsync(old.Lease, Minute, Position.Start)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_renewal_and_a_commit_move_the_expiry()
    {
        var one = await StoreDriver.AcquireAsync(Store, ttl: TimeSpan.FromSeconds(10));
        (await LeftAsync(one.Lease.Feed)).ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(10));
        await Store.RenewAsync(one.Lease, TimeSpan.FromSeconds(30), Position.Start);
        (await LeftAsync(one.Lease.Feed)).ShouldBeInRange(TimeSpan.FromSeconds(10.5), TimeSpan.FromSeconds(30));
        await one.WriteAsync(Put(User("a")));
        (await LeftAsync(one.Lease.Feed)).ShouldBeInRange(TimeSpan.FromSeconds(30.5), Minute);

        async Task<TimeSpan> LeftAsync(FeedId feed) => (await Store.StatusAsync())[feed.Value].LeaseLeft;
    }

    [Fact]
    public async Task The_published_position_never_goes_back()
    {
        var one = await StoreDriver.AcquireAsync(Store);
        await one.WriteAsync(Put(User("a")), Put(User("b")), Put(User("c")));
        await Store.RenewAsync(one.Lease, Minute, new Position(2));
        await Store.RenewAsync(one.Lease, Minute, new Position(1));
        await one.WriteAsync(Put(User("d")));
        (await Store.StatusAsync())[one.Lease.Feed.Value].Published.ShouldBe(new Position(2));
        await Store.ReleaseAsync(one.Lease, Position.Start);
        (await Store.StatusAsync())[one.Lease.Feed.Value].Published.ShouldBe(new Position(2));
    }

    [Fact]
    public async Task A_status_names_each_feed_its_owner_and_where_it_stands()
    {
        var one = await StoreDriver.AcquireAsync(Store);
        await one.WriteAsync(Put(User("a")));
        var all = await Store.StatusAsync();
        all.Count.ShouldBe(Store.Info.Feeds);
        all.Select(status => status.Feed.Value).ShouldBe(Enumerable.Range(0, all.Count));
        var status = all[one.Lease.Feed.Value];
        status.Owner.ShouldBe("one");
        status.Epoch.ShouldBe(one.Lease.Epoch);
        status.Position.ShouldBe(new Position(1));
        await Store.ReleaseAsync(one.Lease, new Position(1));
        var released = (await Store.StatusAsync())[one.Lease.Feed.Value];
        (released.Owner is null || released.LeaseLeft <= TimeSpan.Zero).ShouldBeTrue();
    }

    [Fact]
    public async Task Of_many_who_want_a_free_feed_one_gets_it()
    {
        var other = await OpenAgainAsync();
        var states = await Task.WhenAll(Enumerable.Range(0, 12).Select(number => Task.Run(async () =>
            await (number % 2 == 0 ? Store : other).AcquireAsync(new FeedId(0), $"owner-{number}", Minute))));
        states.Count(state => state is not null).ShouldBe(1);
    }
}
