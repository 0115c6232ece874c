namespace Sync.Http;

/// <summary>What the OpenAPI document says of a route.</summary>
/// <param name="Id">Operation id.</param>
/// <param name="Summary">One line.</param>
/// <param name="Inputs">Path, query and header parameters.</param>
/// <param name="Body">Media types of the request's body; empty = none.</param>
/// <param name="Answers">Status, what it means, media types; problems have the problem type.</param>
public sealed record RouteDescription(
    string Id, string Summary, RouteInput[] Inputs, string[] Body, RouteAnswer[] Answers);

/// <summary>A parameter.</summary>
/// <param name="Name">Its name.</param>
/// <param name="In">path, query or header.</param>
/// <param name="Text">What it means.</param>
public sealed record RouteInput(string Name, string In, string Text);

/// <summary>An answer.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Text">What it means; for a problem, its codes.</param>
/// <param name="MediaTypes">Of the body; empty = no body.</param>
public sealed record RouteAnswer(int Status, string Text, params string[] MediaTypes);
