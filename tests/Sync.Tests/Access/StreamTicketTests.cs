using Shouldly;
using Sync.Access;
using Sync.Contracts;
using Sync.Http.Access;
using Sync.Testing;
using Xunit;

namespace Sync.Tests.Access;

/// <summary>Tickets: one use, for one thing, for 30 s, and bounded.</summary>
public sealed class StreamTicketTests
{
    private static readonly AccessTarget Users = AccessTarget.OfVault("acme", "user");
    private readonly ManualTimeProvider _time = new();
    private readonly AccessIdentity _ada = Identity("ada");
    private readonly StreamTickets _tickets;

    public StreamTicketTests() => _tickets = new StreamTickets(_time, ticketsMax: 3);

    [Fact]
    public void A_ticket_is_good_once()
    {
        var ticket = _tickets.Issue(_ada, Users).ShouldNotBeNull();
        _tickets.Redeem(ticket, Users).ShouldBeSameAs(_ada);
        _tickets.Redeem(ticket, Users).ShouldBeNull();
        _tickets.Count.ShouldBe(0);
    }

    [Fact]
    public void It_ends_after_its_lifetime()
    {
        var (early, late) = (_tickets.Issue(_ada, Users), _tickets.Issue(_ada, Users));
        _time.Advance(StreamTickets.Lifetime);
        _tickets.Redeem(early, Users).ShouldBeSameAs(_ada);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        _tickets.Redeem(late, Users).ShouldBeNull();
    }

    [Fact]
    public void For_something_else_it_is_used_up()
    {
        var ticket = _tickets.Issue(_ada, Users);
        _tickets.Redeem(ticket, AccessTarget.OfVault("acme")).ShouldBeNull();
        _tickets.Redeem(ticket, Users).ShouldBeNull();
    }

    [Fact]
    public void Tickets_are_bounded_and_places_come_back_with_time()
    {
        _tickets.Issue(_ada, Users).ShouldNotBeNull();
        // Used, yet still counted: who asks and uses in a loop is bounded too.
        for (var index = 1; index < 3; index++) _tickets.Redeem(_tickets.Issue(_ada, Users), Users).ShouldNotBeNull();
        _tickets.Count.ShouldBe(1);
        _tickets.Issue(_ada, Users).ShouldBeNull();
        _time.Advance(StreamTickets.Lifetime + TimeSpan.FromMilliseconds(1));
        _tickets.Issue(_ada, Users).ShouldNotBeNull();
        _tickets.Count.ShouldBe(1);
    }

    [Fact]
    public void One_token_does_not_take_all_places()
    {
        var tickets = new StreamTickets(_time);
        for (var index = 0; index < StreamTickets.TicketsOfTokenMax; index++) tickets.Issue(_ada, Users).ShouldNotBeNull();
        tickets.Issue(_ada, Users).ShouldBeNull();
        tickets.Issue(Identity("bob"), Users).ShouldNotBeNull();
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("ééééééééééééééééééééééééééééééééééééééééééé")]
    public void What_was_not_issued_is_not_taken(string? text) => _tickets.Redeem(text, Users).ShouldBeNull();

    private static AccessIdentity Identity(string label) => new(new TokenRecord
    {
        Id = "aaaaaaaaaaaaaaaa",
        Hash = default,
        Label = label,
        Scopes = [AccessScope.Status],
        Created = default,
        Expires = default,
    });
}
