using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Sync.Access;
using Sync.Contracts;

namespace Sync.Http.Access;

/// <summary>Single-use tickets: a page that cannot send a header opens a stream with one in place of its token, since a
/// token in a URL would be kept in logs. A ticket is good for one request to this process, about what it was made for, within
/// <see cref="Lifetime"/>; what it opens ends with its token. Kept in memory only, by hash. Safe from any thread.</summary>
/// <param name="time">Ends them.</param>
/// <param name="ticketsMax">Most that are open, with those made and used since the oldest open one.</param>
public sealed class StreamTickets(TimeProvider time, int ticketsMax = StreamTickets.TicketsMax)
{
    /// <summary>The query parameter that carries one.</summary>
    public const string Parameter = "ticket";

    /// <summary>How long a ticket can be used.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);

    /// <summary>Most tickets of a process; used ones count as long as an older one is open.</summary>
    public const int TicketsMax = 10_000;

    /// <summary>Most open tickets of one token: one that leaks or loops does not use up the others' places.</summary>
    public const int TicketsOfTokenMax = 1_000;

    private const int TicketBytes = 32;
    private const int TicketLength = 43;

    private readonly record struct Ticket(AccessIdentity Identity, AccessTarget Target, long MadeAt);

    private readonly Lock _gate = new();
    private readonly Dictionary<Hash256, Ticket> _tickets = [];
    private readonly Dictionary<AccessIdentity, int> _counts = [];

    // All live equally long, so the first made is the first that ends. Used ones stay until then, so this is the bound.
    private readonly Queue<Hash256> _byAge = new();

    /// <summary>Tickets that are open.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _tickets.Count;
        }
    }

    /// <summary>Makes one.</summary>
    /// <param name="identity">Whose token asked, and what the ticket opens is done with.</param>
    /// <param name="target">What the one request may be about.</param>
    /// <returns>Null when there are too many.</returns>
    public string? Issue(AccessIdentity identity, AccessTarget target)
    {
        ArgumentNullException.ThrowIfNull(identity);
        var text = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TicketBytes));
        lock (_gate)
        {
            DropEnded();
            var held = _counts.GetValueOrDefault(identity);
            if (_byAge.Count >= ticketsMax || held >= TicketsOfTokenMax) return null;
            var hash = HashOf(text);
            _tickets.Add(hash, new Ticket(identity, target, time.GetTimestamp()));
            _byAge.Enqueue(hash);
            _counts[identity] = held + 1;
        }
        return text;
    }

    /// <summary>Takes one in; it is gone then, also when it was for something else.</summary>
    /// <param name="text">What came as a ticket; hostile.</param>
    /// <param name="target">What the request is about.</param>
    /// <returns>Null when it is unknown, used, over, or for something else.</returns>
    public AccessIdentity? Redeem(string? text, AccessTarget target)
    {
        if (text?.Length != TicketLength || !Ascii.IsValid(text)) return null;
        lock (_gate)
        {
            DropEnded();
            if (!_tickets.Remove(HashOf(text), out var ticket)) return null;
            Uncount(ticket.Identity);
            return ticket.Target == target ? ticket.Identity : null;
        }
    }

    private void DropEnded()
    {
        while (_byAge.TryPeek(out var oldest))
        {
            if (_tickets.TryGetValue(oldest, out var ticket))
            {
                if (time.GetElapsedTime(ticket.MadeAt) <= Lifetime) return;
                _tickets.Remove(oldest);
                Uncount(ticket.Identity);
            }
            _byAge.Dequeue();
        }
    }

    private void Uncount(AccessIdentity identity)
    {
        if (--_counts[identity] == 0) _counts.Remove(identity);
    }

    private static Hash256 HashOf(string text)
    {
        Span<byte> bytes = stackalloc byte[TicketLength];
        Span<byte> hash = stackalloc byte[Hash256.Size];
        SHA256.HashData(bytes[..Encoding.ASCII.GetBytes(text, bytes)], hash);
        return new Hash256(hash);
    }
}
