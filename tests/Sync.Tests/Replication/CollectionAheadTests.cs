using Shouldly;
using Sync.Contracts;
using Sync.Replication;
using Xunit;
using static Sync.Tests.Replication.CollectionOf;

namespace Sync.Tests.Replication;

/// <summary>Two pages of a snapshot asked for at once, the second behind a guess of the writer's.</summary>
public sealed class CollectionAheadTests
{
    private static readonly CollectionRules OneByOne = new() { Expected = new("1.0"), SnapshotLimit = 1 };

    [Fact]
    public void Behind_a_guess_one_more_page_is_asked_for_at_once()
    {
        var of = Asking("a", "b");
        Asked(of).ShouldBe([null, "a", "b"]);
        of.Core.ReadAhead(1, First("b"), of.Effects);
        Asked(of).Length.ShouldBe(3);
    }

    [Fact]
    public void Pages_behind_guesses_are_applied_in_order_whatever_comes_first()
    {
        var of = Asking("a", "b");
        of.Core.Answered(3, Page(12, Put("c", 1, 7)), of.At, of.Effects);
        of.Core.Answered(2, Page(11, true, [Put("b", 1, 6)]), of.At, of.Effects);
        of.Core.Count.ShouldBe(0);
        of.Core.Answered(1, First("b"), of.At, of.Effects);
        (of.Core.Status, of.Core.Count, of.Covered, Asked(of).Length).ShouldBe((CollectionStatus.Ok, 3, 10, 3));
    }

    [Fact]
    public void A_page_behind_a_wrong_guess_is_asked_for_again_and_nothing_is_left_out()
    {
        var of = Asking("a", "c");
        of.Core.Answered(3, Page(12, Put("d", 1, 8)), of.At, of.Effects);
        of.Core.Answered(1, First("c"), of.At, of.Effects);
        of.Core.Answered(2, Page(11, true, [Put("b", 1, 6)]), of.At, of.Effects);
        Asked(of).ShouldBe([null, "a", "c", "b"]);
        of.Core.Answered(4, Page(12, Put("c", 1, 7), Put("d", 1, 8)), of.At, of.Effects);
        (of.Core.Status, of.Core.Count, of.Core.Counters.Failures).ShouldBe((CollectionStatus.Ok, 4, 0));
    }

    [Fact]
    public void A_page_read_before_the_one_in_front_of_it_is_asked_for_again_and_is_no_failure()
    {
        var of = Asking("a", "b");
        of.Core.Answered(1, First("b"), of.At, of.Effects);
        of.Core.Answered(2, Page(13, true, [Put("b", 1, 6)]), of.At, of.Effects);
        of.Core.Answered(3, Page(12, Put("c", 1, 7)), of.At, of.Effects);
        Asked(of).ShouldBe([null, "a", "b", "b"]);
        of.Core.Answered(4, Page(13, Put("c", 1, 7)), of.At, of.Effects);
        (of.Core.Status, of.Core.Count, of.Core.Counters.Failures).ShouldBe((CollectionStatus.Ok, 3, 0));
    }

    [Fact]
    public void At_most_one_page_in_eight_is_read_in_vain()
    {
        var of = Asking("a", "c");
        of.Core.Answered(1, First("c"), of.At, of.Effects);
        of.Core.Answered(2, Page(10, true, [Put("b", 1, 6)]), of.At, of.Effects);
        of.Core.Failed(3, of.At, of.Effects);
        var asked = new List<int>();
        for (var key = 'c'; key <= 'i'; key++)
        {
            var (id, before) = (of.Request.Id, of.Effects.Requests.Count);
            var page = Page(10, true, [Put($"{key}", 1, 5)], nextEnd: $"{(char)(key + 1)}");
            of.Core.ReadAhead(id, page, of.Effects);
            asked.Add(of.Effects.Requests.Count - before);
            of.Core.Answered(id, page, of.At, of.Effects);
        }
        asked.ShouldBe([1, 1, 1, 1, 1, 1, 2]);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("A")]
    public void A_guess_that_makes_no_headway_is_not_followed(string guess)
    {
        var of = Asking("a", guess);
        Asked(of).ShouldBe([null, "a"]);
    }

    [Fact]
    public void What_bytes_cut_is_asked_for_in_smaller_pages_until_records_are_much_smaller()
    {
        var of = new CollectionOf();
        of.Core.Subscribed(of.At, of.Effects);
        of.Answer(Page(10, true, [.. Sixteen(0, 1000)]));
        of.Request.Snapshot.Limit.ShouldBe(14);
        of.Answer(Page(10, true, [.. Sixteen(1, 1000).Take(14)]));
        of.Request.Snapshot.Limit.ShouldBe(14);
        of.Answer(Page(10, true, [.. Sixteen(2, 100).Take(14)]));
        of.Request.Snapshot.Limit.ShouldBe(SnapshotRequest.LimitMax);
    }

    [Fact]
    public void When_a_load_begins_anew_what_was_read_ahead_is_forgotten()
    {
        var of = Asking("a", "b");
        of.Core.Answered(3, Page(12, Put("c", 1, 7)), of.At, of.Effects);
        of.Core.Reload(of.At, of.Effects);
        of.Core.Answered(2, Page(11, true, [Put("b", 1, 6)]), of.At, of.Effects);
        of.Core.Answered(1, First("b"), of.At, of.Effects);
        of.Core.Count.ShouldBe(0);
        of.Answer(Page(14, Put("d", 1, 9)));
        (of.Core.Status, of.Core.Count, of.Covered).ShouldBe((CollectionStatus.Ok, 1, 14));
    }

    // One record a page; the first page is shown, not applied.
    private static CollectionOf Asking(string first, string guess)
    {
        var of = new CollectionOf(OneByOne);
        of.Core.Subscribed(of.At, of.Effects);
        of.Request.Id.ShouldBe(1);
        of.Core.ReadAhead(1, Page(10, true, [Put(first, 1, 4)], nextEnd: guess), of.Effects);
        return of;
    }

    private static SnapshotPage First(string guess) => Page(10, true, [Put("a", 1, 4)], nextEnd: guess);

    private static string?[] Asked(CollectionOf of) => [.. of.Effects.Requests.Select(request => request.Snapshot.After?.Key)];

    private static IEnumerable<Envelope> Sixteen(int page, int bytes) =>
        Enumerable.Range(1, 16).Select(n => Put($"{page}{n:d2}", 1, n % 10 + 1, value: new string('x', bytes)));
}
