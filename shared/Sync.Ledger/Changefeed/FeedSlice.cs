using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>A stretch of a feed as it was read at one moment.</summary>
/// <param name="History">The ledger's history.</param>
/// <param name="Floor">Oldest position kept, as far as the read had to know.</param>
/// <param name="Head">The feed's last position.</param>
/// <param name="After">The stretch begins behind this.</param>
/// <param name="Through">Every wanted change behind <paramref name="After"/> up to and with this is in it.</param>
/// <param name="Changes">Them, and perhaps others, in the order of positions.</param>
internal readonly record struct FeedSlice(
    HistoryId History, Position Floor, Position Head, Position After, Position Through, IReadOnlyList<Envelope> Changes)
{
    public static FeedSlice Of(Position after, FactPage page)
    {
        var changes = new Envelope[page.Facts.Count];
        for (var index = 0; index < changes.Length; index++)
            changes[index] = page.Facts[index].ToEnvelope(page.History);
        var through = page.More && changes.Length > 0 ? changes[^1].Position : page.Position;
        return new(page.History, page.Floor, page.Position, after, through, changes);
    }

    public static FeedSlice Of(Position after, ChangesPage page) =>
        new(page.History, page.Floor, page.Position, after, page.Through, page.Envelopes);
}
