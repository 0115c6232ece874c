namespace Sync.Client.Internal;

/// <summary>Puts an encoded path on a base address as it is: <c>Uri</c> would decode <c>%2E</c> and fold <c>..</c>, and a key may be
/// two dots.</summary>
internal static class PlainPath
{
    private static readonly UriCreationOptions AsIs = new() { DangerousDisablePathAndQueryCanonicalization = true };

    public static Uri On(Uri writer, string path) =>
        Uri.TryCreate(writer.GetLeftPart(UriPartial.Authority) + path, AsIs, out var uri)
            ? uri
            : throw new ArgumentException($"'{path}' is not a path", nameof(path));
}
