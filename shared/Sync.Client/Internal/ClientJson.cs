using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sync.Client.Internal;

/// <summary>Metadata of what is read as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(WriterStatus))]
internal sealed partial class ClientJson : JsonSerializerContext;
